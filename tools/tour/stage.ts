// How the tour looks: each request as the command that could be pasted into a shell, each answer below it, and sentences between.
import { type JsonAnswer, callJson } from "../../cli/grpc-json.ts";
import { basic } from "../../cli/connection.ts";
import { exchange } from "../../cli/http.ts";

export type Body = Readonly<Record<string, unknown>>;

/** Who calls: what stands in the command, and what is really sent. */
export type Caller = { readonly shown: string; readonly authorization: string };

export const bearer = (variable: string, token: string): Caller => ({
  shown: `-H "Authorization: Bearer $${variable}"`,
  authorization: `Bearer ${token}`,
});

export const client = (id: string, secret: string, variables: string): Caller => ({
  shown: `-u "${variables}"`,
  authorization: `Basic ${basic(id, secret)}`,
});

export type Ask = {
  readonly method?: "GET" | "POST";
  readonly path: string;
  readonly as: Caller;
  readonly form?: Readonly<Record<string, string>>;
  readonly json?: Body;
  readonly tenant?: string;
  /** What of the form stands as a variable in the command. */
  readonly variables?: Readonly<Record<string, string>>;
  /** A shorter view of the answer, where the whole would tire. */
  readonly show?: (body: Body) => unknown;
};

export type Stage = {
  chapter(title: string, ...sentences: readonly string[]): void;
  say(...sentences: readonly string[]): void;
  /** Names a value for the commands that follow. */
  set(variable: string, value: string): void;
  ask(ask: Ask): Promise<Body>;
  /** Asks behind the curtain: nothing is shown. */
  look(ask: Ask): Promise<Body>;
  /** Calls identity.v1.Identity. */
  grpc(method: string, json: Body, variable: string, token: string): Promise<Body>;
};

export const openStage = (issuer: string, grpcAddress: string): Stage => {
  const state = { chapter: 0 };
  const write = (text: string): void => void process.stdout.write(`${text}\n`);
  const say: Stage["say"] = (...sentences) => write(`\n${sentences.join("\n")}`);
  return {
    say,
    chapter: (title, ...sentences) => {
      state.chapter += 1;
      const head = `── ${state.chapter}. ${title} `;
      write(`\n${head.padEnd(ruleWidth, "─")}`);
      if (sentences.length > 0) write(sentences.join("\n"));
    },
    set: (variable, value) => write(`$ ${variable}=${value}`),
    ask: async (ask) => {
      write(`\n$ ${curl(ask)}`);
      const { status, body } = await exchange(issuer, requestOf(ask));
      const answer = (body ?? {}) as Body;
      write(`${status} ${text(ask.show === undefined ? (body ?? "") : ask.show(answer))}`);
      return answer;
    },
    look: async (ask) => ((await exchange(issuer, requestOf(ask))).body ?? {}) as Body,
    grpc: async (method, json, variable, token) => {
      write(`\n$ npx countersign grpc ${method} ${quoted(JSON.stringify(json))} --token "$${variable}"`);
      const metadata = { authorization: `Bearer ${token}` };
      return granted(
        await callJson({ address: grpcAddress, method: `identity.v1.Identity/${method}`, json, metadata }),
        write,
      );
    },
  };
};

const ruleWidth = 100;

const text = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value, shortened, 2));

/** A JWT of two thousand characters says nothing to the reader. */
const secretFields = new Set(["access_token", "client_secret", "token"]);
const shownCharacters = 32;

const shortened = (name: string, value: unknown): unknown =>
  secretFields.has(name) && typeof value === "string" ? `${value.slice(0, shownCharacters)}…` : value;

const granted = (answer: JsonAnswer, write: (text: string) => void): Body => {
  if (!("ok" in answer)) throw new Error(`the gRPC call ended with ${answer.status}: ${answer.message}`);
  write(text(answer.ok));
  return answer.ok as Body;
};

const requestOf = ({ method = "POST", path, as, form, json, tenant }: Ask) => ({
  method,
  path,
  authorization: as.authorization,
  ...(form === undefined ? {} : { form }),
  ...(json === undefined ? {} : { json }),
  ...(tenant === undefined ? {} : { headers: { "countersign-tenant": tenant } }),
});

const curl = ({ method = "POST", path, as, form, json, tenant, variables = {} }: Ask): string =>
  [
    `curl -sS ${method === "POST" && form === undefined && json === undefined ? "-X POST " : ""}"$ISSUER${path}"`,
    as.shown,
    ...(tenant === undefined ? [] : [`-H "Countersign-Tenant: ${tenant}"`]),
    ...(json === undefined ? [] : ["-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(json))}`]),
    ...Object.entries(form ?? {}).map(
      ([name, value]) => `-d ${variables[name] === undefined ? `${name}=${value}` : `"${name}=$${variables[name]}"`}`,
    ),
  ].join(" \\\n    ");

/** For a shell: in single quotes, which end for each one inside. */
const quoted = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;
