/** Looking up TXT records (RFC 1035 §3.3.14), within bounded time and number: whoever's name server is slow keeps nobody else waiting. */
import { Resolver } from "node:dns/promises";

export type Dns = {
  /**
   * The records, each as one text; none where the name or such records do not exist. `unreachable` where nobody answered in time,
   * `busy` where too many lookups are under way.
   */
  txt(name: string): Promise<readonly string[] | "unreachable" | "busy">;
};

const attempt_ms = 2_000;
const tries = 2;
const parallel_max = 3;
/** An answer with more is nobody's proof of anything. */
const records_max = 100;

/** `servers` as in the setting: IP addresses with or without a port, separated by commas; empty asks the system's. */
export const openDns = (servers: string): Dns => {
  const resolver = new Resolver({ timeout: attempt_ms, tries });
  const named = servers.split(",").map((one) => one.trim());
  const known = named.filter((one) => one !== "");
  if (known.length > 0) resolver.setServers(known);
  let running = 0;
  return {
    txt: async (name) => {
      if (running >= parallel_max) return "busy";
      running += 1;
      try {
        return (await resolver.resolveTxt(name)).slice(0, records_max).map((parts) => parts.join(""));
      } catch (error) {
        const { code } = error as { code?: unknown };
        return code === "ENOTFOUND" || code === "ENODATA" ? [] : "unreachable";
      } finally {
        running -= 1;
      }
    },
  };
};
