/**
 * The parts of a moment on the clocks of a time zone, as CEL's timestamp functions count them: months, days of the year and days of the
 * month from 0, weekdays from Sunday, 0.
 *
 * Worked out here and not by the CEL library, whose own way goes through the local time of the process: an hour of the year would be
 * read wrongly wherever that zone moves its clocks.
 */

const parts = ["year", "month", "day", "hour", "minute", "second"] as const;
type Part = (typeof parts)[number];
type Clock = Readonly<Record<Part, number>>;

/** Formatters are slow to make and there are some hundreds of zones at most; whoever names more starts the memory over. */
const zones_max = 100;
const formatters = new Map<string, Intl.DateTimeFormat>();

/** Throws a RangeError where there is no such zone. */
const formatterOf = (timeZone: string): Intl.DateTimeFormat => {
  const known = formatters.get(timeZone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  if (formatters.size >= zones_max) formatters.clear();
  formatters.set(timeZone, made);
  return made;
};

const clockAt = (moment: Date, timeZone: string): Clock => {
  const clock = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
  for (const { type, value } of formatterOf(timeZone).formatToParts(moment))
    if ((parts as readonly string[]).includes(type)) clock[type as Part] = Number(value);
  return clock;
};

const dayMs = 86_400_000;

/** Midnight of that day, were the zone's calendar UTC's. */
const midnight = ({ year, month, day }: Clock): Date => new Date(Date.UTC(year, month - 1, day));

const dayOfYear = (clock: Clock): number =>
  Math.round((midnight(clock).getTime() - Date.UTC(clock.year, 0, 1)) / dayMs);

/** By the name CEL gives the function. */
export const zoned: Readonly<Record<string, (moment: Date, timeZone: string) => bigint>> = {
  getFullYear: (moment, zone) => BigInt(clockAt(moment, zone).year),
  getMonth: (moment, zone) => BigInt(clockAt(moment, zone).month - 1),
  getDate: (moment, zone) => BigInt(clockAt(moment, zone).day),
  getDayOfMonth: (moment, zone) => BigInt(clockAt(moment, zone).day - 1),
  getDayOfWeek: (moment, zone) => BigInt(midnight(clockAt(moment, zone)).getUTCDay()),
  getDayOfYear: (moment, zone) => BigInt(dayOfYear(clockAt(moment, zone))),
  getHours: (moment, zone) => BigInt(clockAt(moment, zone).hour),
  getMinutes: (moment, zone) => BigInt(clockAt(moment, zone).minute),
  getSeconds: (moment, zone) => BigInt(clockAt(moment, zone).second),
};
