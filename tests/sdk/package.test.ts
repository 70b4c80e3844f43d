/** The SDK as it is published: packed, unpacked beside its dependencies, run as plain JavaScript, and compiled against. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { buildSdk } from "../../tools/build-sdk.ts";
import { root } from "../readme/page.ts";

const folder = mkdtempSync(join(tmpdir(), "countersign-sdk-"));
after(() => rmSync(folder, { recursive: true }));

/** The Node the machine came with, where there is one beside the pinned: what a customer's service runs on. */
const nodes = [process.execPath, "/usr/bin/node", "/usr/local/bin/node"].filter((path) => existsSync(path));

const run = (command: string, args: readonly string[], cwd: string): string =>
  execFileSync(command, [...args], { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

const compile = (cwd: string): string => {
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  try {
    return run(process.execPath, [compiler, "-p", cwd], cwd);
  } catch (error) {
    return String((error as { stdout?: string }).stdout);
  }
};

const pack = (): { readonly consumer: string; readonly files: readonly string[] } => {
  const source = join(folder, "source");
  mkdirSync(source);
  for (const name of ["package.json", "README.md", "LICENSE"]) cpSync(join(root, "sdk", name), join(source, name));
  buildSdk(join(source, "dist"));
  const said = JSON.parse(run("npm", ["pack", "--json", "--ignore-scripts", "--offline"], source)) as
    | readonly { filename: string; files: readonly { path: string }[] }[]
    | Record<string, { filename: string; files: readonly { path: string }[] }>;
  const [packed] = Object.values(said) as readonly { filename: string; files: readonly { path: string }[] }[];
  assert.ok(packed);
  const consumer = join(folder, "consumer");
  const installed = join(consumer, "node_modules/@countersign/sdk");
  mkdirSync(installed, { recursive: true });
  run("tar", ["-xzf", join(source, packed.filename), "--strip-components=1", "-C", installed], folder);
  for (const name of ["jose", "fastify", "express", "hono", "pg", "yaml", "canonicalize", "ipaddr.js"])
    symlinkSync(join(root, "node_modules", name), join(consumer, "node_modules", name));
  for (const scope of ["@types", "@marcbachmann"])
    symlinkSync(join(root, "node_modules", scope), join(consumer, "node_modules", scope));
  return { consumer, files: packed.files.map(({ path }) => path) };
};

const { consumer, files } = pack();

test("the package has JavaScript and types, no sources and no tests, and depends on jose alone", () => {
  assert.ok(files.includes("LICENSE"));
  assert.ok(files.includes("dist/sdk/countersign.js") && files.includes("dist/sdk/countersign.d.ts"));
  assert.equal(readFileSync(join(root, "sdk/LICENSE"), "utf8"), readFileSync(join(root, "LICENSE"), "utf8"));
  const odd = files.filter(
    (path) => !/^(?:package\.json|README\.md|LICENSE|dist\/(?:core|sdk)\/.+\.(?:js|d\.ts))$/.test(path),
  );
  assert.deepEqual(odd, []);
  assert.ok(!files.some((path) => path.includes(".test.")));
  type Manifest = { dependencies: Record<string, string>; exports: Record<string, string | Record<string, string>> };
  const manifest = JSON.parse(readFileSync(join(root, "sdk/package.json"), "utf8")) as Manifest;
  assert.deepEqual(Object.keys(manifest.dependencies), ["jose"]);
  for (const target of Object.values(manifest.exports).flatMap((one) =>
    typeof one === "string" ? [one] : Object.values(one),
  ))
    assert.ok(files.includes(target.slice("./".length)), `${target} is exported and not there`);
  const repository = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
  assert.equal(manifest.dependencies["jose"], repository.dependencies["jose"]);
});

test("what a service needs loads nothing but jose", () => {
  const imported = new Set<string>();
  const look = (file: string): void => {
    for (const [, specifier = ""] of readFileSync(file, "utf8").matchAll(/^(?:import|export)[^;]*?from "([^"]+)";/gm)) {
      const next = specifier.startsWith(".") ? join(file, "..", specifier) : undefined;
      if (next === undefined) imported.add(specifier);
      else if (!imported.has(next)) {
        imported.add(next);
        look(next);
      }
    }
  };
  for (const entry of ["countersign", "fastify", "express", "hono", "node", "postgres"])
    look(join(consumer, `node_modules/@countersign/sdk/dist/sdk/${entry}.js`));
  const packages = [...imported].filter((one) => !one.startsWith("/") && !one.startsWith("node:"));
  assert.deepEqual(packages, ["jose"]);
});

for (const node of nodes)
  test(`plain JavaScript imports every part of it and serves, on ${run(node, ["--version"], folder).trim()}`, () => {
    const program = `
      import { createServer } from "node:http";
      import { countersign, route } from "@countersign/sdk";
      import "@countersign/sdk/fastify";
      import "@countersign/sdk/express";
      import "@countersign/sdk/hono";
      import "@countersign/sdk/postgres";
      import { callerOf, routes } from "@countersign/sdk/node";
      import { startTestIssuer } from "@countersign/sdk/testing";
      import { decidedByModel } from "@countersign/sdk/testing/model";
      import { readFileSync } from "node:fs";

      const tenant = "11111111-1111-4111-8111-111111111111";
      const subject = "users/22222222-2222-4222-8222-222222222222";
      const world = {
        model: readFileSync(${JSON.stringify(join(root, "models/bitvault.yaml"))}, "utf8"),
        assignments: [{ principal: subject, role: "admin", at: "tenants/" + tenant }],
      };
      const issuer = await startTestIssuer({ decide: decidedByModel(world) });
      const audience = "https://api.example.com";
      const api = countersign({ issuer: issuer.url, audience, credentials: issuer.credentials, tenants: "tenants" });
      const server = createServer(routes(api, {
        "GET /": [route({ permission: "files:read" }), (request, response) => response.end(callerOf(request).subject)],
        "GET /billing": [route({ permission: "billing:read" }), (request, response) => response.end("never")],
      })).listen(0, "127.0.0.1");
      await new Promise((resolve) => server.once("listening", resolve));
      const token = await issuer.mint({ tenant, subject, audience });
      const get = (path) => fetch("http://127.0.0.1:" + server.address().port + path, { headers: { authorization: "Bearer " + token } });
      const yes = await get("/");
      console.log(yes.status, await yes.text(), (await get("/billing")).status);
      server.close();
      server.closeAllConnections();
      await issuer.close();
    `;
    writeFileSync(join(consumer, "service.mjs"), program);
    const said = run(node, ["service.mjs"], consumer).trim();
    assert.equal(said, "200 users/22222222-2222-4222-8222-222222222222 403");
  });

const program = `
  import fastify from "fastify";
  import express from "express";
  import { Hono } from "hono";
  import pg from "pg";
  import { type Caller, countersign, route } from "@countersign/sdk";
  import { callerOf as fastifyCaller, countersignPlugin } from "@countersign/sdk/fastify";
  import { callerOf as expressCaller, protect } from "@countersign/sdk/express";
  import * as hono from "@countersign/sdk/hono";
  import { transaction } from "@countersign/sdk/postgres";
  import { startTestIssuer, provesIsolation } from "@countersign/sdk/testing";
  import { decidedByModel } from "@countersign/sdk/testing/model";

  const api = countersign({ issuer: "https://id.example.com", audience: "https://api.example.com", credentials: { clientId: "a", clientSecret: "b" } });
  const policy = route({ permission: "files:read", resource: ({ params }) => \`files/\${params["id"]}\` });
  const pool = new pg.Pool();
  const read = (caller: Caller): Promise<unknown> => transaction(pool, caller.tenant_id, async (client) => (await client.query("select 1")).rows);

  const one = fastify();
  await one.register(countersignPlugin, { api });
  one.get("/files/:id", { config: { policy } }, async (request) => read(fastifyCaller(request)));

  const two = express();
  const guard = protect(two, api);
  two.get("/files/:id", guard(policy), async (request, response) => void response.json(await read(expressCaller(request))));

  const three = new Hono();
  const guarded = hono.protect(three, api);
  three.get("/files/:id", guarded(policy), async (c) => c.json({ found: await read(hono.callerOf(c)), by: c.get("caller")?.subject }));

  export { startTestIssuer, provesIsolation, decidedByModel };
`;

const settings = {
  compilerOptions: {
    module: "nodenext",
    target: "es2023",
    strict: true,
    noEmit: true,
    types: ["node"],
    skipLibCheck: false,
  },
};

test("a TypeScript service compiles against its types, and a mistake in a policy does not", () => {
  writeFileSync(join(consumer, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(consumer, "service.ts"), program);
  // The frameworks' own declarations are theirs to keep right.
  const compilerOptions = { ...settings.compilerOptions, skipLibCheck: true };
  writeFileSync(join(consumer, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["service.ts"] }));
  assert.equal(compile(consumer), "");
  const mistakes = [
    'route({ permission: "files:read", ressource: () => "files/1" })',
    'route({ scopes: ["files:read"] })',
    "route({ public: true })",
    'countersign({ issuer: "https://id.example.com" })',
  ];
  const lines = ['import { countersign, route } from "@countersign/sdk";', ...mistakes.map((one) => `${one};`)];
  writeFileSync(join(consumer, "service.ts"), lines.join("\n"));
  const errors = compile(consumer);
  for (const [at, mistake] of mistakes.entries()) assert.match(errors, new RegExp(`\\(${at + 2},.*error TS`), mistake);
});

test("the declarations themselves are right: they are checked without leave", () => {
  writeFileSync(
    join(consumer, "service.ts"),
    'export { countersign } from "@countersign/sdk";\nexport { routes } from "@countersign/sdk/node";\nexport { transaction } from "@countersign/sdk/postgres";\nexport { startTestIssuer } from "@countersign/sdk/testing";',
  );
  const compilerOptions = { ...settings.compilerOptions, types: ["node"] };
  writeFileSync(join(consumer, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["service.ts"] }));
  const ours = compile(consumer)
    .split("\n")
    .filter((line) => line.includes("countersign"));
  assert.deepEqual(ours, []);
});
