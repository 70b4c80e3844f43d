/** The server itself: its ports are free or its own, and the issuer clients are told is the one they reach. */
import { createServer } from "node:net";
import type { Config } from "../../server/config.ts";
import { callJson } from "../grpc-json.ts";
import { type Check, type Outcome, well, wrong } from "./outcome.ts";

export const answerWithinMs = 3_000;
const clockSkewMaxMs = 5_000;

export const servingChecks = (config: Config): readonly Check[] => {
  const { host, managementHost, issuer } = config;
  return [
    portCheck("HTTP", "COUNTERSIGN_PORT", host, config.port, () =>
      ourMetadata(`http://${local(host)}:${config.port}`, issuer),
    ),
    portCheck("gRPC", "COUNTERSIGN_GRPC_PORT", host, config.grpcPort, () => ourGrpc(config)),
    portCheck("management", "COUNTERSIGN_MANAGEMENT_PORT", managementHost, config.managementPort, async () => {
      const answer = await ask(`http://${local(managementHost)}:${config.managementPort}/health/live`);
      return answer?.status === 200 && hasText(answer.body, "status", "ok");
    }),
    { name: "issuer", run: () => issuerAnswers(issuer) },
  ];
};

const portCheck = (what: string, setting: string, host: string, port: number, ours: () => Promise<boolean>): Check => ({
  name: `${what} port`,
  run: async () => {
    if (port === 0) return well("any free one");
    const trouble = await listenOnce(host, port);
    if (trouble === undefined) return well(`${port} is free`);
    if (trouble === "EADDRINUSE")
      return (await ours())
        ? well(`${port} is served by Countersign`)
        : wrong(`${port} is used by another program: stop it, or set ${setting}`);
    return wrong(`${host}:${port} cannot be listened on (${trouble}): set ${setting}, or COUNTERSIGN_HOST`);
  },
});

/** Undefined where it could be listened on; else the system's code. */
const listenOnce = (host: string, port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });

/** Where every interface is listened on, this machine's own is asked. */
export const local = (host: string): string =>
  host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host.includes(":") ? `[${host}]` : host;

type Answer = { readonly status: number; readonly body: unknown; readonly date: string | null };

const ask = async (url: string): Promise<Answer | undefined> => {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(answerWithinMs), redirect: "error" });
    const text = await response.text();
    return { status: response.status, body: JSON.parse(text) as unknown, date: response.headers.get("date") };
  } catch {
    return undefined;
  }
};

const hasText = (body: unknown, field: string, text: string): boolean =>
  typeof body === "object" && body !== null && (body as Readonly<Record<string, unknown>>)[field] === text;

/** RFC 8414 §3.1: the well-known part stands before the issuer's own path. */
const metadataPath = (issuer: string): string => {
  const { pathname } = new URL(issuer);
  return `/.well-known/oauth-authorization-server${pathname === "/" ? "" : pathname}`;
};

const ourMetadata = async (origin: string, issuer: string): Promise<boolean> => {
  const answer = await ask(`${origin}${metadataPath(issuer)}`);
  return answer !== undefined && hasText(answer.body, "issuer", issuer);
};

/** Refused without credentials, by a server that knows the method: that is ours. Under TLS it is enough that something answers. */
const ourGrpc = async (config: Config): Promise<boolean> => {
  if (config.grpcTlsCert !== "") return true;
  const address = `${local(config.host)}:${config.grpcPort}`;
  const answer = await callJson({
    address,
    method: "identity.v1.Identity/CheckPermission",
    json: {},
    timeoutMs: answerWithinMs,
  });
  return "status" in answer && ["UNAUTHENTICATED", "INVALID_ARGUMENT"].includes(answer.status);
};

/** RFC 8414 §3.3: the issuer in the document is the one it was asked of, to the octet. The answer's date is compared on the way. */
const issuerAnswers = async (issuer: string): Promise<Outcome> => {
  const url = `${new URL(issuer).origin}${metadataPath(issuer)}`;
  const answer = await ask(url);
  if (answer === undefined)
    return wrong(`nothing answers at ${url}: start the server with \`npm start\`, or correct COUNTERSIGN_ISSUER`);
  if (!hasText(answer.body, "issuer", issuer))
    return wrong(`${url} answers for another issuer: set COUNTERSIGN_ISSUER to the URL clients use, on every process`);
  const skew = answer.date === null ? 0 : Math.abs(Date.parse(answer.date) - Date.now());
  return skew <= clockSkewMaxMs
    ? well(`${issuer} answers, and its clock agrees with ours`)
    : wrong(`the server's clock differs from ours by ${Math.round(skew / 1000)} s: synchronise both machines (NTP)`);
};
