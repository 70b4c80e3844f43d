/**
 * The events of every tenant as one Valkey or Redis stream, `countersign:events`: consumer groups read it where polling is too slow.
 *
 * An entry's id is the event's position, so the stream itself refuses what it has, and what would stand out of order.
 */
import { evaluate, type Link, type Redis, script } from "../platform/cache/redis-connection.ts";
import type { CloudEvent } from "./model.ts";
import type { EventStream } from "./relay.ts";

export const streamName = "countersign:events";
/** About as many entries are kept; what is older is read from `/v1/events`. */
export const stream_entries_kept = 100_000;

/**
 * KEYS: stream. ARGV: entries kept, then position and event in turn. One script and not a pipeline: where an entry fails, a full server
 * say, none after it may go in, or it could never be put in its place.
 */
const appendScript = script(`
for i = 2, #ARGV, 2 do
  local said = redis.pcall("XADD", KEYS[1], "MAXLEN", "~", ARGV[1], ARGV[i] .. "-0", "event", ARGV[i + 1])
  if type(said) == "table" and said.err and not string.find(said.err, "equal or smaller", 1, true) then
    return redis.error_reply(said.err)
  end
end
return 1`);

export const redisStream = (redis: Redis): EventStream => ({
  name: streamName,
  entriesKept: stream_entries_kept,
  append: async (events) => {
    const entries = events.flatMap((event: CloudEvent) => [event.sequence, JSON.stringify(event)]);
    await evaluate(linkOf(redis), appendScript, [streamName], [String(stream_entries_kept), ...entries]);
  },
  last: async () => {
    const [newest] = await redis.xrevrange(streamName, 1);
    return Number(newest?.id.split("-")[0] ?? 0);
  },
});

const linkOf = (redis: Redis): Link => {
  const link = redis.link();
  if (link === undefined) throw new Error("the cache is unreachable");
  return link;
};
