/**
 * Measures several contenders side by side: every round gives each of them one window, in turn, so that whatever else the machine
 * does falls on all alike; a contender's figures are the medians over the rounds.
 */
import type { Generator } from "./generator.ts";
import type { Span, Target, Window } from "./load.ts";

/** A row to be: who is asked what, and what makes an answer a right one. */
export type Contender = Target & {
  /** Sees the first answers before anything is measured, and throws, or returns false, where one is wrong. */
  readonly verify: (body: Buffer) => boolean;
  /** Runs before each of its windows, outside the measurement: to empty a cache, say. */
  readonly before?: () => Promise<void>;
  /** Its windows, where they are others than the plan's. */
  readonly span?: Span;
};

export type Row = { readonly name: string } & Window;

export type Plan = { readonly rounds: number; readonly span: Span; readonly warm_up_ms: number };

/** How many answers are looked at before a contender is measured. */
const verified_answers = 50;

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
};

/** The medians of several windows, figure by figure. */
export const medians = (windows: readonly Window[]): Window => {
  const of = (figure: keyof Window): number => median(windows.map((window) => window[figure]));
  return {
    cpu_us: of("cpu_us"),
    per_s: of("per_s"),
    p50_ms: of("p50_ms"),
    p99_ms: of("p99_ms"),
    load_cpu_us: of("load_cpu_us"),
  };
};

const verifyAnswers = async (generator: Generator, { name, requests, chain, verify }: Contender): Promise<void> => {
  const bodies = await generator.ask(
    name,
    chain === undefined ? Math.min(requests.length, verified_answers) : chain.lanes.length,
  );
  for (const body of bodies) {
    if (!verify(Buffer.from(body)))
      throw new Error(`${name}: not the answer expected: ${Buffer.from(body).toString()}`);
  }
};

/** Verifies every contender's answers, warms each up, then measures them in rounds. */
export const measure = async (
  generator: Generator,
  contenders: readonly Contender[],
  plan: Plan,
): Promise<readonly Row[]> => {
  const windows = new Map<string, Window[]>();
  for (const { verify: _verify, before: _before, span: _span, ...target } of contenders) {
    windows.set(target.name, []);
    await generator.open(target);
  }
  for (const contender of contenders) {
    await verifyAnswers(generator, contender);
    await generator.run(contender.name, { warm_ms: 0, measure_ms: plan.warm_up_ms });
  }
  for (let round = 0; round < plan.rounds; round++) {
    for (const { name, before, span } of contenders) {
      await before?.();
      windows.get(name)?.push(await generator.run(name, span ?? plan.span));
    }
  }
  return contenders.map(({ name }) => ({ name, ...medians(windows.get(name) ?? []) }));
};
