/** Durations as an access model writes them: a whole number and a unit. */

const seconds = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** Longer than a year is a mistake, not a deadline. */
export const duration_max_days = 366;

/** `24h` → 86400. Undefined where the text is no duration, is zero, or is longer than a year. */
export const durationSeconds = (text: string): number | undefined => {
  const [, count, unit] = /^([1-9][0-9]{0,8})([smhd])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) return undefined;
  const length = Number(count) * seconds[unit as keyof typeof seconds];
  return length <= duration_max_days * seconds.d ? length : undefined;
};
