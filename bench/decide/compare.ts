/** `decide()` beside CASL, casbin and Cedar on the same questions: their answers must agree before any of them is timed. */
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { spawnNode } from "../harness/child.ts";
import type { Window } from "../harness/load.ts";
import { type Row, medians } from "../harness/rounds.ts";
import { rowNames } from "../names.ts";

/** As their rows are called. */
export const engineNames = [rowNames.decide, rowNames.casl, rowNames.casbin, rowNames.cedar] as const;

export type EngineName = (typeof engineNames)[number];

/** What is told to an engine's process, and what comes back. */
export type Order =
  | { readonly order: "answer"; readonly count: number }
  | { readonly order: "run"; readonly milliseconds: number };
export type Reply = { readonly ready: true } | { readonly answers: readonly boolean[] } | { readonly window: Window };

type Process = {
  readonly name: EngineName;
  answer(count: number): Promise<readonly boolean[]>;
  run(milliseconds: number): Promise<Window>;
  stop(): Promise<void>;
};

/** The slowest engine answers some thousands a second. */
const verified_questions = 2_000;
const rounds = 3;
const warm_up_ms = 500;
const measure_ms = 700;

const startEngine = async (name: EngineName): Promise<Process> => {
  const { child, output, stop } = spawnNode(fileURLToPath(new URL("./child.ts", import.meta.url)), {}, [name]);
  const died = once(child, "exit").then(() => Promise.reject(new Error(`${name} ended early:\n${output()}`)));
  died.catch(() => {});
  const reply = async (): Promise<Reply> => ((await Promise.race([once(child, "message"), died])) as [Reply])[0];
  const tell = (order: Order): Promise<Reply> => {
    child.send(order);
    return reply();
  };
  await reply();
  return {
    name,
    stop,
    answer: async (count) => {
      const told = await tell({ order: "answer", count });
      return "answers" in told ? told.answers : [];
    },
    run: async (milliseconds) => {
      const told = await tell({ order: "run", milliseconds });
      if (!("window" in told)) throw new Error(`${name} measured nothing`);
      return told.window;
    },
  };
};

/** Throws with the first question on which two engines disagree, and where the sample has too few answers of either kind to mean anything. */
const verifyAgreement = async (engines: readonly Process[]): Promise<void> => {
  const answers = await Promise.all(engines.map((engine) => engine.answer(verified_questions)));
  const [ours = []] = answers;
  answers.forEach((theirs, at) => {
    const differs = ours.findIndex((answer, question) => answer !== theirs[question]);
    if (differs >= 0 || theirs.length !== verified_questions)
      throw new Error(`${engines[at]?.name} disagrees on question ${differs}`);
  });
  const share = ours.filter(Boolean).length / verified_questions;
  if (share < 0.2 || share > 0.8) throw new Error(`the sample is lopsided: ${share} of the answers are yes`);
};

/** One row per engine: CPU a check, checks a second on one core, and the percentiles of a check's mean over batches of about 1 ms. */
export const measureDecide = async (): Promise<readonly Row[]> => {
  await using stack = new AsyncDisposableStack();
  const engines: Process[] = [];
  for (const name of engineNames) {
    const engine = await startEngine(name);
    stack.defer(engine.stop);
    engines.push(engine);
  }
  await verifyAgreement(engines);
  const windows = new Map<EngineName, Window[]>(engines.map(({ name }) => [name, []]));
  for (const engine of engines) await engine.run(warm_up_ms);
  for (let round = 0; round < rounds; round++) {
    for (const engine of engines) windows.get(engine.name)?.push(await engine.run(measure_ms));
  }
  return engines.map(({ name }) => ({ name, ...medians(windows.get(name) ?? []) }));
};
