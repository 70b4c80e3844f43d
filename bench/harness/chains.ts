/**
 * Requests that follow from the answers before them: a refresh token that the last refresh gave, a code that the redirect carried. Each
 * lane walks the steps with values of its own, over and over, and goes on where it stopped: a token in hand is never lost.
 */

/** One step: what is sent, with `{name}` where a value goes, and what is read from the answer, head and body. */
export type Step = {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of a form, for a POST. */
  readonly body?: string;
  /** Which value the first group of a regular expression gives. An answer that does not match ends the run. */
  readonly reads?: Readonly<Record<string, string>>;
};

export type Values = Readonly<Record<string, string>>;

export type Chain = {
  readonly steps: readonly Step[];
  /** What each lane begins with; there are as many lanes as these. */
  readonly lanes: readonly Values[];
};

/** A lane's place in the chain. */
export type Walk = { at: number; readonly values: Record<string, string> };

export const startWalks = (chain: Chain): readonly Walk[] =>
  chain.lanes.map((values) => ({ at: 0, values: { ...values } }));

const filled = (text: string, values: Values): string =>
  text.replaceAll(/\{([a-z_]+)\}/g, (whole, name: string) => values[name] ?? whole);

/** The bytes of the request the walk stands before. */
export const nextRequest = ({ steps }: Chain, { at, values }: Walk): Buffer => {
  const step = steps[at];
  if (step === undefined) throw new Error("the walk has left its chain");
  const body = filled(step.body ?? "", values);
  const headers = {
    host: "localhost",
    ...(step.method === "GET"
      ? {}
      : { "content-type": "application/x-www-form-urlencoded", "content-length": String(Buffer.byteLength(body)) }),
    ...step.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${filled(value, values)}\r\n`);
  return Buffer.from(`${step.method} ${filled(step.path, values)} HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
};

/** Takes the answer in and goes on; true where it was the chain's last step. Throws where what was to be read is not there. */
export const takeAnswer = ({ steps }: Chain, walk: Walk, answer: string): boolean => {
  for (const [name, pattern] of Object.entries(steps[walk.at]?.reads ?? {})) {
    const found = new RegExp(pattern).exec(answer)?.[1];
    if (found === undefined) throw new Error(`no \`${name}\` (${pattern}) in:\n${answer}`);
    walk.values[name] = found;
  }
  walk.at = (walk.at + 1) % steps.length;
  return walk.at === 0;
};
