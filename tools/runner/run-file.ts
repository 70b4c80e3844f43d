// Runs one test file in its own process and says what happened in it. Whatever leaves a doubt counts as a failure:
// a skipped or unfinished test, a file without tests, a process that ended badly after its tests had passed.
import { relative } from "node:path";
import { run } from "node:test";
import { inspect } from "node:util";

export type Failure = { readonly title: string; readonly where: string; readonly detail: string };

export type FileReport = {
  readonly file: string;
  readonly durationMs: number;
  /** Tests that passed, not counting the suites and tests that only hold others. */
  readonly passed: number;
  readonly failures: readonly Failure[];
  /** What the file wrote on its standard streams. */
  readonly output: string;
};

/** A process whose tests are over has this long to end by itself. It does not when a test left something open. */
const endMsMax = 15_000;

/** `env` is the whole environment of the test's process. `stop` ends the file early, which is a failure. */
export const runFile = async (
  file: string,
  options: {
    readonly root: string;
    readonly env: NodeJS.ProcessEnv;
    readonly timeoutMs: number;
    readonly stop: AbortSignal;
  },
): Promise<FileReport> => {
  const started = performance.now();
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const lingering = new AbortController();
  const stream = run({
    files: [file],
    cwd: options.root,
    env: options.env,
    signal: AbortSignal.any([timeout, lingering.signal, options.stop]),
  });

  const ended: Ended[] = [];
  const output: string[] = [];
  const collect = (data: unknown): void => void ended.push(toEnded(data as EventData, file));
  stream.on("test:pass", collect).on("test:fail", collect);
  stream.on("test:stdout", (data) => void output.push(data.message));
  stream.on("test:stderr", (data) => void output.push(data.message));
  stream.on("test:diagnostic", (data) => data.entryFile === undefined || output.push(`${data.message}\n`));
  const forget = abortWhenIdle(stream, lingering);
  await new Promise((resolve, reject) => stream.resume().once("end", resolve).once("error", reject));

  forget();

  const short = relative(options.root, file);
  const about = (detail: string): readonly Failure[] => [{ title: short, where: short, detail }];
  const whole = timeout.aborted
    ? about(`ran longer than ${options.timeoutMs / 1000} s and was ended`)
    : lingering.signal.aborted
      ? about(`did not end after its tests and was ended: one of them left a server, a timer or a connection open`)
      : options.stop.aborted
        ? about("was interrupted")
        : [];
  const failed = ended
    .filter((test) => !test.isFile || whole.length === 0)
    .flatMap((test) => failureOf(test, options.root));
  const empty = failed.length === 0 && whole.length === 0 && leaves(ended).length === 0 ? about("has no tests") : [];
  return {
    file: short,
    durationMs: performance.now() - started,
    passed: leaves(ended).filter((test) => failureOf(test, options.root).length === 0).length,
    failures: [...failed, ...whole, ...empty],
    output: output.join(""),
  };
};

/** Aborts when no test of the file has been running for too long. Returns how to stop watching. */
const abortWhenIdle = (stream: ReturnType<typeof run>, abort: AbortController): (() => void) => {
  const running = new Set<number>();
  const watch: { timer?: NodeJS.Timeout } = {};
  const forget = (): void => clearTimeout(watch.timer);
  stream.on("test:dequeue", ({ testId, entryFile }) => {
    if (entryFile === undefined) return;
    running.add(testId);
    forget();
  });
  stream.on("test:complete", ({ testId, entryFile }) => {
    if (entryFile === undefined) return;
    running.delete(testId);
    forget();
    if (running.size === 0) watch.timer = setTimeout(() => abort.abort(), endMsMax);
  });
  return forget;
};

/** What node:test says when a test, a suite, or the file itself is over. Not every field is in its type declarations. */
type EventData = {
  readonly name: string;
  readonly testId?: number;
  readonly parentId?: number;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly classname?: string;
  readonly entryFile?: string;
  readonly skip?: string | boolean;
  readonly todo?: string | boolean;
  readonly details: {
    readonly type?: string;
    readonly error?: { readonly failureType?: string; readonly cause?: unknown };
  };
};

type Ended = EventData & { readonly isFile: boolean };

/** Events about the file as a whole come from our process, those about its tests from the file's. */
const toEnded = (data: EventData, file: string): Ended => ({
  ...data,
  isFile: data.entryFile === undefined && data.name === file,
});

const leaves = (ended: readonly Ended[]): readonly Ended[] => {
  const tests = ended.filter((test) => !test.isFile);
  const parents = new Set(tests.map((test) => test.parentId));
  return tests.filter((test) => test.details.type !== "suite" && !parents.has(test.testId));
};

const failureOf = (test: Ended, root: string): readonly Failure[] => {
  const path = relative(root, test.file ?? "");
  const where = test.isFile || test.line === undefined ? path : `${path}:${test.line}:${test.column}`;
  const title = test.isFile ? path : [test.classname, test.name].filter(Boolean).join(" › ");
  const failed = (detail: string): readonly Failure[] => [{ title, where, detail }];

  if (test.skip !== undefined && test.skip !== false)
    return failed("was skipped: a test that cannot run here has to fail");
  if (test.todo !== undefined && test.todo !== false) return failed("is marked todo: an unfinished test has to fail");
  const { error } = test.details;
  // What holds a failed test fails with it; the test itself has already been reported.
  if (error === undefined || error.failureType === "subtestsFailed") return [];
  if (test.isFile) return failed("the process ended badly; what it wrote is below");
  return failed(explain(error.cause));
};

const explain = (cause: unknown): string =>
  (cause instanceof Error ? inspect(cause) : String(cause))
    .split("\n")
    .filter((line) => !/^\s+at .*node:internal/.test(line))
    .join("\n");
