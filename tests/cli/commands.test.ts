/** The command line beside a running server on the embedded database: what an operator types, what comes out, and the exit code. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { runCli, type ServerProcess, startServer } from "../support/server-process.ts";

const running: { server: ServerProcess | undefined } = { server: undefined };
before(async () => {
  running.server = await startServer();
});
after(() => running.server?.stop());

const server = (): ServerProcess => {
  assert.ok(running.server, "the server runs");
  return running.server;
};

type Body = Readonly<Record<string, unknown>> & { readonly id: string; readonly resource: string };

/** The JSON a command prints, of a command that must succeed. */
const json = async (...args: readonly string[]): Promise<Body> => {
  const { code, stdout, stderr } = await runCli(args, server().env);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Body;
};

const fails = async (args: readonly string[], env = server().env, input = ""): Promise<string> => {
  const { code, stdout, stderr } = await runCli(args, env, input);
  assert.equal(code, 1, stdout);
  assert.equal(stdout, "");
  return stderr;
};

test("`token` prints a token that `introspect` finds active, narrowed to the scope asked for", async () => {
  const { code, stdout, stderr } = await runCli(
    ["token", "--scope", "users:read", "--scope", "tokens:introspect"],
    server().env,
  );
  assert.equal(code, 0, stderr);
  const found = await json("introspect", stdout.trim());
  assert.equal(found["active"], true);
  assert.equal(found["scope"], "users:read tokens:introspect");
  assert.deepEqual(await json("introspect", "nothing"), { active: false });
});

test("`token --json` prints the server's whole answer, also for a client that is named", async () => {
  const { client_id, client_secret } = server().bootstrap;
  const answer = await json("token", "--json", "--client-id", client_id, "--client-secret", client_secret);
  assert.equal(answer["token_type"], "Bearer");
  assert.equal(answer["expires_in"], 900);
  const wrong = await fails(["token", "--client-id", client_id, "--client-secret", "wrong"]);
  assert.match(wrong, /^invalid_client: /);
});

test("every collection has its verbs: create, get by ref or id, update with a body from standard input, list, delete", async () => {
  const made = await json("organizations", "create", "--display-name", "Acme");
  assert.equal(made["display_name"], "Acme");
  for (const name of [made.id, made.resource]) assert.deepEqual(await json("organizations", "get", name), made);
  const update = ["organizations", "update", made.id, "--json", "-", "--if-match", String(made["etag"])];
  const updated = await runCli(update, server().env, '{ "display_name": "Acme Ltd" }');
  assert.equal(updated.code, 0, updated.stderr);
  const listed = await json("organizations", "list", "--filter", 'display_name = "Acme Ltd"', "--page-size", "5");
  assert.deepEqual(
    (listed["items"] as readonly Body[]).map(({ id }) => id),
    [made.id],
  );
  await json("organizations", "delete", made.id);
  assert.match(
    await fails(["organizations", "get", made.id]),
    /^There is no such resource \(404\)\n {2}.*\n {2}request [0-9a-z-]+\n$/,
  );
});

test("an application is registered, changed and deleted by its verbs; `null` takes away what may be absent", async () => {
  const tenant = (await json("organizations", "create", "--display-name", "Applications")).resource;
  const uris = ["--redirect-uris", "https://app.example/callback", "--redirect-uris", "http://127.0.0.1/callback"];
  const logo = ["--logo-uri", "https://app.example/logo.png", "--token-endpoint-auth-method", "client_secret_post"];
  const made = await json("applications", "create", "--parent", tenant, "--display-name", "App", ...uris, ...logo);
  assert.deepEqual(made["redirect_uris"], ["https://app.example/callback", "http://127.0.0.1/callback"]);
  assert.match(String(made["client_secret"]), /^cs_app_/);
  const of = ["--tenant", tenant];
  const rotated = await json("applications", "rotateSecret", made.id, "--overlap-seconds", "60", ...of);
  assert.equal(rotated["client_id"], made["client_id"]);
  const changed = await json("applications", "update", made.id, "--logo-uri", "null", "--if-match", "*", ...of);
  assert.equal(changed["logo_uri"], null);
  await json("applications", "delete", made.resource, ...of);
  await fails(["applications", "get", made.id, ...of]);
});

test("arrays are given by repeating, and `--tenant` says which tenant is meant", async () => {
  const tenant = (await json("organizations", "create", "--display-name", "Arrays")).resource;
  const scopes = ["--scopes", "documents:read", "--scopes", "payouts:read"];
  const account = await json("service-accounts", "create", "--parent", tenant, "--display-name", "Robot", ...scopes);
  const found = await json("service-accounts", "get", account.id, "--tenant", tenant);
  assert.deepEqual(found["scopes"], ["documents:read", "payouts:read"]);
  const rotated = await json(
    "service-accounts",
    "rotate",
    account.resource,
    "--tenant",
    tenant,
    "--overlap-seconds",
    "60",
  );
  assert.notEqual(rotated["client_secret"], account["client_secret"]);
});

test("the same idempotency key does a thing once", async () => {
  const create = ["organizations", "create", "--display-name", "Once", "--idempotency-key", "once"];
  assert.equal((await json(...create)).id, (await json(...create)).id);
});

test("`check` says yes with the role that gives it, and no with the reason", async () => {
  const tenant = (await json("organizations", "create", "--display-name", "Checks")).resource;
  const robot = (await json("service-accounts", "create", "--parent", tenant, "--display-name", "Robot")).resource;
  await json("role-assignments", "create", "--parent", tenant, "--principal", robot, "--role", "viewer");
  const ask = ["check", "--tenant", tenant, "--subject", robot, "--resource", tenant, "--permission"];
  assert.equal((await json(...ask, "payouts:read"))["decision"], true);
  const no = await json(...ask, "payouts:create");
  assert.equal(no["decision"], false);
  assert.match(JSON.stringify(no["context"]), /no role or grant gives `payouts:create`/);
  const request = JSON.stringify({ principal: robot, tenant, permission: "payouts:read", resource: tenant });
  assert.equal((await json("grpc", "CheckPermission", request))["allowed"], true);
});

test("a gRPC failure is printed with its status", async () => {
  const request = JSON.stringify({ permission: "payouts:read" });
  assert.match(await fails(["grpc", "CheckPermission", request, "--token", "nothing"]), /^UNAUTHENTICATED: /);
  assert.match(await fails(["grpc", "NoSuchMethod"]), /^UNIMPLEMENTED: there is no method/);
});

test("a refused request is printed as title, detail, field errors and request id", async () => {
  const said = await fails(["users", "create", "--parent", "nowhere", "--email", "a"]);
  assert.match(said, /^The request is malformed \(400\)\n/);
  assert.match(said, /\n {2}- display_name: is required\n/);
  assert.match(said, /\n {2}- parent: /);
  assert.match(said, /\n {2}request [0-9a-z-]+\n$/);
});

test("`bootstrap` while the server runs explains who has the database, and where the credentials are", async () => {
  const said = await fails(["bootstrap"]);
  assert.match(said, new RegExp(`another countersign \\(pid ${server().pid}\\) uses`));
  assert.ok(said.includes(join(server().dataDir, "bootstrap.json")), said);
});

test("`doctor` finds everything well, and says what to do where it is not", async () => {
  const well = await runCli(["doctor"], server().env);
  assert.equal(well.code, 0, well.stdout);
  assert.doesNotMatch(well.stdout, /^failed/m);
  assert.match(well.stdout, /^ok +HTTP port +\d+ is served by Countersign$/m);
  const elsewhere = {
    ...server().env,
    COUNTERSIGN_PORT: server().env["COUNTERSIGN_GRPC_PORT"] ?? "",
    COUNTERSIGN_ISSUER: "http://localhost:1",
  };
  const ill = await runCli(["doctor"], elsewhere);
  assert.equal(ill.code, 1);
  assert.match(ill.stdout, /^failed +HTTP port +\d+ is used by another program: stop it, or set COUNTERSIGN_PORT$/m);
  assert.match(ill.stdout, /^failed +issuer +nothing answers at http:\/\/localhost:1\/.*npm start/m);
});

test("without a server the message says how to get one", async () => {
  assert.match(
    await fails(["token", "--issuer", "http://localhost:1", "--client-id", "a", "--client-secret", "b"]),
    /no server answers at .*\nstart one with `npm start`/,
  );
  assert.match(await fails(["token"], {}), /there are no credentials: .*bootstrap\.json/);
});

test("`config check` prints what is in force and no secret; every mistake in settings and model is told at once", async (t) => {
  const secret = Buffer.alloc(32, 7).toString("base64");
  const external = {
    COUNTERSIGN_DATABASE_URL: "postgres://ada:open-sesame@db.example:5433/identity?password=open-sesame",
    COUNTERSIGN_CACHE_URL: "redis://:open-sesame@cache.example",
    COUNTERSIGN_SECRET_KEY: secret,
  };
  const well = await runCli(["config", "check"], external);
  assert.equal(well.code, 0, well.stderr);
  assert.doesNotMatch(well.stdout, /open-sesame|ada/);
  assert.ok(!well.stdout.includes(secret));
  assert.match(well.stdout, /COUNTERSIGN_DATABASE_URL +db\.example:5433\/identity/);

  const ill = await runCli(["config", "check"], {
    COUNTERSIGN_PROT: "1",
    COUNTERSIGN_PORT: "x",
    COUNTERSIGN_WORKERS: "0",
  });
  assert.equal(ill.code, 1);
  assert.match(ill.stderr, /COUNTERSIGN_PROT is not a setting; did you mean COUNTERSIGN_PORT\?/);
  assert.match(ill.stderr, /COUNTERSIGN_PORT is `x`/);
  assert.match(ill.stderr, /COUNTERSIGN_WORKERS is `0`/);

  const folder = await mkdtemp(join(tmpdir(), "countersign-model-"));
  t.after(() => rm(folder, { recursive: true }));
  const model = join(folder, "model.yaml");
  await writeFile(model, "title: Broken\nperimeters: {}\nroles: { owner: { permissions: ['nothing:read'] } }\n");
  const broken = await runCli(["config", "check"], { COUNTERSIGN_MODEL: model });
  assert.equal(broken.code, 1);
  assert.ok(broken.stderr.includes(model), broken.stderr);
});

test("an unknown command and an unknown option are refused, and the help names every collection", async () => {
  assert.equal((await runCli(["organisations"], server().env)).code, 1);
  assert.equal((await runCli(["token", "--scop", "a"], server().env)).code, 1);
  const { stdout } = await runCli(["--help"], server().env);
  for (const name of ["organizations", "users", "api-tokens", "role-assignments", "events", "doctor", "grpc"])
    assert.match(stdout, new RegExp(`^ +${name} `, "m"));
});
