/**
 * Answers that must not tell by their time which of two ways they went: nothing is heard before `even_ms` have passed, which is longer
 * than either takes.
 */
import { setTimeout as pause } from "node:timers/promises";
import { monotonicMs } from "../platform/clock.ts";

export const even_ms = 150;

export const evenly = async <T>(work: () => Promise<T>): Promise<T> => {
  const until = monotonicMs() + even_ms;
  const answer = await work();
  await pause(Math.max(0, until - monotonicMs()));
  return answer;
};
