/**
 * Gateways under a test's hand: a real nginx and a real Caddy with the configurations of docs/guides/gateways.md, on free loopback ports, with
 * files of their own, in front of a service that says what it was sent. All are gone with the process that started them.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { ensureGateways } from "../../tools/servers.ts";
import { type Account, type Deployment, startDeployment, type Tenant } from "../oauth/deployment.ts";
import { readPage } from "../readme/page.ts";
import { freshDatabase } from "../support/postgres.ts";
import { freePort } from "../support/redis.ts";

const guide = readPage("docs/guides/gateways.md");

/** The first block of the guide in this language. */
const blockOf = (language: string): string => {
  const block = guide.blocks.find((one) => one.language === language);
  assert.ok(block, `docs/guides/gateways.md has no block in ${language}`);
  return block.body;
};

/** Puts what the test has in the place of what the guide says; every part must be there. */
const filledIn = (template: string, values: Readonly<Record<string, string>>): string =>
  Object.entries(values).reduce((body, [from, to]) => {
    assert.ok(body.includes(from), `the guide's configuration does not say \`${from}\``);
    return body.replaceAll(from, to);
  }, template);

// ── the deployment ──

export type Edge = {
  readonly deployment: Deployment;
  readonly acme: Tenant;
  /** An account of Acme's, and its uuid: the place of the payouts. */
  readonly place: { readonly id: string; readonly ref: string };
  /** `/accounts/{its uuid}/payouts`. */
  readonly payouts: string;
  /** The gateway's own API token. */
  readonly gatewayToken: string;
  /** May read payouts, and not order them. */
  readonly member: Account;
  readonly memberToken: string;
  /** The way to the database, which can be cut. */
  readonly database: Passage;
};

/** A loopback port that leads to another. */
type Passage = { cut(): Promise<void>; restore(): Promise<void> };

const startPassage = async (to: { readonly host: string; readonly port: number }) => {
  const open = new Set<Socket>();
  const carry = (near: Socket): void => {
    const far = connect(to);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => undefined).on("close", () => (open.delete(socket), near.destroy(), far.destroy()));
    }
    near.pipe(far).pipe(near);
  };
  const port = await freePort();
  const listen = async () => {
    const server = createTcpServer(carry).listen(port, "127.0.0.1");
    await once(server, "listening");
    return server;
  };
  let server = await listen();
  const cut = async (): Promise<void> => {
    const closed = once(server, "close");
    server.close();
    for (const socket of open) socket.destroy();
    await closed;
  };
  return { port, cut, restore: async () => void (server = await listen()) };
};

const gatewayPermissions = ["access:check", "tokens:introspect"];

/** A deployment with the guide's routes, a tenant, and a gateway in it. */
export const startEdge = async (
  options: { readonly routes?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Edge & { close(): Promise<void> }> => {
  const folder = await mkdtemp(join(tmpdir(), "countersign-edge-"));
  const routes = join(folder, "routes.yaml");
  await writeFile(routes, options.routes ?? blockOf("yaml"));
  const own = await freshDatabase();
  const url = new URL(own.url);
  const database = await startPassage({ host: url.hostname, port: Number(url.port) });
  url.hostname = "127.0.0.1";
  url.port = String(database.port);
  const deployment = await startDeployment({
    env: { COUNTERSIGN_GATEWAY_ROUTES: routes, ...options.env },
    databaseUrl: url.href,
  });
  const acme = await deployment.tenant("Acme");
  const place = await acme.perimeter("accounts");
  const gatewayToken = await gatewayTokenOf(acme);
  const member = await acme.account({ role: "member" });
  const memberToken = await deployment.token(member);
  return {
    deployment,
    acme,
    place,
    payouts: `/accounts/${place.id}/payouts`,
    gatewayToken,
    member,
    memberToken,
    database,
    close: async () => {
      await deployment.close();
      await database.cut();
      await own.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

/** An API token of a service account that has what a gateway needs, and nothing else. */
export const gatewayTokenOf = async (tenant: Tenant): Promise<string> => {
  const role = await tenant.does("/v1/roles", { display_name: "Gateway", permissions: gatewayPermissions });
  const { ref } = await tenant.account({ role: String(role["resource"]) });
  const expire_time = new Date(Date.now() + 3_600_000).toISOString();
  const token = { owner: ref, display_name: "A gateway's", scopes: gatewayPermissions, expire_time };
  return String((await tenant.does("/v1/api-tokens", token))["token"]);
};

/** The token of a service account that may read payouts, and only while the condition is true. */
export const withCondition = async ({ acme, deployment }: Edge, condition: string): Promise<string> => {
  const account = await acme.account();
  const role_assignment = { parent: acme.ref, principal: account.ref, role: "member", condition };
  await acme.does("/v1/role-assignments", role_assignment);
  return deployment.token(account);
};

// ── the service behind ──

export type Seen = {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  /** By lower-case name; several of one name are several. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
};

export type Upstream = { readonly port: number; readonly seen: Seen[]; close(): Promise<void> };

const seenIn = async (request: IncomingMessage): Promise<Seen> => {
  const body = await text(request);
  const lines = request.rawHeaders.flatMap((name, at) =>
    at % 2 === 0 ? [[name.toLowerCase(), request.rawHeaders[at + 1] ?? ""] as const] : [],
  );
  const grouped = Map.groupBy(lines, ([name]) => name);
  return {
    method: request.method ?? "",
    url: request.url ?? "",
    body,
    headers: new Map([...grouped].map(([name, all]) => [name, all.map(([, value]) => value)])),
  };
};

/** Answers 200 to everything, and remembers it. */
export const startUpstream = async (): Promise<Upstream> => {
  const seen: Seen[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    seen.push(await seenIn(request));
    response.writeHead(200, { "content-type": "text/plain" }).end("served");
  };
  const server = createServer((request, response) => void serve(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
};

/** The identity headers the service was given, without the request id. */
export const identityIn = ({ headers }: Seen): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...headers].flatMap(([name, values]) =>
      name.startsWith("x-countersign-") && name !== "x-countersign-request-id" && values.join("") !== ""
        ? [[name.slice("x-countersign-".length), values.join(" | ")]]
        : [],
    ),
  );

// ── the gateways ──

export type RunningGateway = { readonly port: number; stop(): Promise<void> };

/** The gateway's parent is a shell that reads from us how to end it, and ends it when we are gone. */
const guard = `
  trap '' INT
  "$@" </dev/null & gateway=$!
  read signal
  kill -"\${signal:-KILL}" $gateway 2>/dev/null; wait $gateway
  if [ -z "$signal" ]; then rm -rf "$OWN_DIR"; fi`;
const readyWithinMs = 10_000;
const pollMs = 10;

const run = async (
  command: readonly string[],
  { dir, port, env = {} }: { dir: string; port: number; env?: Readonly<Record<string, string>> },
): Promise<RunningGateway> => {
  const shell = spawn("/bin/sh", ["-c", guard, "sh", ...command], {
    cwd: dir,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...env, HOME: dir, OWN_DIR: dir },
  });
  const said: string[] = [];
  for (const stream of [shell.stdout, shell.stderr])
    stream.setEncoding("utf8").on("data", (part: string) => void said.push(part));
  for (const deadline = Date.now() + readyWithinMs; !(await takesConnections(port)); await pause(pollMs))
    assert.ok(Date.now() < deadline && shell.exitCode === null, `${command[0]} does not listen: ${said.join("")}`);
  return {
    port,
    stop: async () => {
      await end(shell);
      await rm(dir, { recursive: true, force: true });
    },
  };
};

const end = async (shell: ChildProcess): Promise<void> => {
  if (shell.exitCode !== null || shell.signalCode !== null) return;
  const gone = once(shell, "exit");
  shell.stdin?.end("TERM\n");
  await gone;
};

const takesConnections = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => (socket.destroy(), resolve(true))).once("error", () => resolve(false));
  });

export type Between = {
  readonly countersignPort: number;
  readonly upstreamPort: number;
  readonly token: string;
  /** What of the guide's configuration is written otherwise, where the guide says so. */
  readonly otherwise?: Readonly<Record<string, string>>;
};

/** What the guide has in a file of its own beside the server block. */
const credentialLine = (token: string): string => {
  const [line] = /proxy_set_header Countersign-Gateway "<the token>[^`]*;/.exec(guide.text) ?? [];
  assert.ok(line, "docs/guides/gateways.md does not say how nginx shows its credential");
  return `${line.replace("<the token>", token)}\n`;
};

/** nginx with the guide's server block. */
export const startNginx = async ({
  countersignPort,
  upstreamPort,
  token,
  otherwise,
}: Between): Promise<RunningGateway> => {
  const dir = await mkdtemp(join(tmpdir(), "countersign-nginx-"));
  const port = await freePort();
  await writeFile(join(dir, "gateway.conf"), credentialLine(token), { mode: 0o600 });
  const server = filledIn(blockOf("nginx"), {
    "listen 8000": `listen 127.0.0.1:${port}`,
    "127.0.0.1:9000": `127.0.0.1:${upstreamPort}`,
    "127.0.0.1:8080": `127.0.0.1:${countersignPort}`,
    "/etc/nginx/countersign-gateway.conf": join(dir, "gateway.conf"),
    ...otherwise,
  });
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${dir}/${name};`,
  );
  await writeFile(
    join(dir, "nginx.conf"),
    `daemon off; master_process off; pid ${dir}/nginx.pid; error_log stderr warn;
events { worker_connections 64; }
http { access_log off; ${temporary.join(" ")}
${server}}
`,
  );
  const { nginx } = ensureGateways();
  return run([nginx, "-p", dir, "-e", "stderr", "-c", join(dir, "nginx.conf")], { dir, port });
};

/** Caddy with the guide's site. */
export const startCaddy = async ({
  countersignPort,
  upstreamPort,
  token,
  otherwise,
}: Between): Promise<RunningGateway> => {
  const dir = await mkdtemp(join(tmpdir(), "countersign-caddy-"));
  const port = await freePort();
  const site = filledIn(blockOf("caddyfile"), {
    "http://:8000": `http://:${port}`,
    "127.0.0.1:9000": `127.0.0.1:${upstreamPort}`,
    "127.0.0.1:8080": `127.0.0.1:${countersignPort}`,
    ...otherwise,
  });
  await writeFile(
    join(dir, "Caddyfile"),
    `{\n\tadmin off\n\tdefault_bind 127.0.0.1\n\tlog {\n\t\tlevel ERROR\n\t}\n}\n${site}`,
  );
  const { caddy } = ensureGateways();
  return run([caddy, "run", "--config", join(dir, "Caddyfile"), "--adapter", "caddyfile"], {
    dir,
    port,
    env: { COUNTERSIGN_GATEWAY_TOKEN: token, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir },
  });
};

export const portOf = ({ deployment }: Edge): number => Number(new URL(deployment.base()).port);

/** A request as its octets are, and the status of its answer: what a client library would not send. */
export const statusOfRaw = (port: number, lines: readonly string[], from?: string): Promise<number> =>
  new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect({ host: "127.0.0.1", port, ...(from === undefined ? {} : { localAddress: from }) });
    socket.setEncoding("utf8");
    socket.on("data", (part: string) => void (answer += part));
    socket.once("error", reject);
    socket.once("close", () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)));
    socket.write([...lines, "Connection: close", "", ""].join("\r\n"), "latin1");
  });
