import assert from "node:assert/strict";
import { test } from "node:test";
import { allowedArrows } from "./floors/layout.ts";
import { judge } from "./floors/rules.ts";
import { readSource } from "./floors/source.ts";

/** Judges a repository that consists of these files, and returns what is objected to, as `path:line message`. */
const objections = (files: Readonly<Record<string, string>>): readonly string[] => {
  const sources = Object.entries(files).map(([path, text]) => readSource(path, text));
  const found = judge({ sources, packages: ["yaml", "kysely", "@grpc/grpc-js"] });
  return found.map(({ path, line, message }) => `${path}:${line} ${message}`);
};

const assertObjects = (files: Readonly<Record<string, string>>, expected: RegExp): void => {
  const found = objections(files);
  assert.equal(found.length, 1, `one objection was expected, and these were found: ${found.join("; ") || "none"}`);
  assert.match(found[0] ?? "", expected);
};

/** A file that breaks no rule and has an import, so that there is something to judge. */
const sound = { "core/ids.ts": `import { parse } from "yaml";\nexport const ids = parse;\n` };

test("a repository in which no import was seen fails, however clean it looks", () => {
  assertObjects({ "core/a.ts": "export const a = 1;\n" }, /no import was seen/);
});

test("imports that point down, or stay in their slice, are left alone", () => {
  assert.deepEqual(
    objections({
      ...sound,
      "server/platform/database/database.ts": `import { Kysely } from "kysely";\nimport "../clock.ts";\n`,
      "server/audit/store.ts": `import type { Tx } from "../platform/database/database.ts";\n`,
      "server/oauth/redeem-code.ts": `import { a } from "../audit/store.ts";\nimport { b } from "./model.ts";\n`,
      "server/transport/http/server.ts": `import { c } from "../../oauth/redeem-code.ts";\n`,
      "server/main.ts": `import { d } from "./transport/http/server.ts";\nimport { e } from "./config.ts";\n`,
      "sdk/client.ts": `import { ids } from "../core/ids.ts";\n`,
      "cli/main.ts": `import { client } from "../sdk/client.ts";\n`,
      "tests/a.test.ts": `import "../server/main.ts";\nimport "fast-check";\n`,
    }),
    [],
  );
});

test("the SDK knows its frameworks by their types alone, and nothing else does", () => {
  const hono = { "sdk/hono.ts": `import type { Context } from "hono";\n` };
  assert.deepEqual(objections({ ...sound, ...hono }), []);
  assertObjects({ ...sound, "sdk/hono.ts": `import { Hono } from "hono";\n` }, /`hono` is not in package.json/);
  assertObjects({ ...sound, "cli/a.ts": `import type { Context } from "hono";\n` }, /`hono` is not in package.json/);
});

const upward: Readonly<Record<string, readonly [path: string, text: string, expected: RegExp]>> = {
  "core to the platform": [
    "core/a.ts",
    `import { b } from "../server/platform/clock.ts";`,
    /core may not import server\/platform/,
  ],
  "the platform to a slice": [
    "server/platform/a.ts",
    `import { b } from "../audit/b.ts";`,
    /may not import server\/audit/,
  ],
  "a slice to a higher one": [
    "server/audit/a.ts",
    `import { b } from "../oauth/b.ts";`,
    /may not import server\/oauth/,
  ],
  "a slice to the transport": [
    "server/oauth/a.ts",
    `import { b } from "../transport/b.ts";`,
    /may not import server\/transport/,
  ],
  "a slice to the configuration": ["server/oauth/a.ts", `import { b } from "../config.ts";`, /may not import server /],
  "the SDK to the server": ["sdk/a.ts", `import { b } from "../server/platform/clock.ts";`, /sdk may not import/],
  "the server to the SDK": ["server/oauth/a.ts", `import { b } from "../../sdk/b.ts";`, /may not import sdk/],
  "the command line to a slice": ["cli/a.ts", `import { b } from "../server/oauth/b.ts";`, /cli may not import/],
  "the product to the tests": ["server/oauth/a.ts", `import { b } from "../../tests/b.ts";`, /may not import workshop/],
  "a type import": ["core/a.ts", `import type { B } from "../server/audit/b.ts";`, /core may not import/],
  "a re-export": ["core/a.ts", `export { b } from "../server/audit/b.ts";`, /core may not import/],
  "a dynamic import": ["core/a.ts", `const b = await import("../server/audit/b.ts");`, /core may not import/],
  "an import for its effects": ["core/a.ts", `import "../server/audit/b.ts";`, /core may not import/],
  "an import over several lines": [
    "core/a.ts",
    `import {\n  b, // why\n} from "../server/audit/b.ts";`,
    /core\/a.ts:1 core may not/,
  ],
};
for (const [name, [path, text, expected]] of Object.entries(upward)) {
  test(`an arrow that points up is caught: ${name}`, () => assertObjects({ ...sound, [path]: text }, expected));
}

test("a slice without a rank is caught once, however many files it has", () => {
  const text = `import { ids } from "../../core/ids.ts";\n`;
  assertObjects({ ...sound, "server/novelty/a.ts": text, "server/novelty/b.ts": text }, /novelty has no place/);
});

test("an arrow that is allowed says why", () => {
  for (const { from, to, why } of allowedArrows) assert.ok(why.length > 20, `${from} → ${to}`);
  assert.deepEqual(objections({ ...sound, "cli/a.ts": `import { compose } from "../server/compose.ts";` }), []);
});

test("core may use no package but those it is given, and nothing of Node", () => {
  assertObjects({ "core/a.ts": `import { createHash } from "node:crypto";` }, /core may import no package/);
  assertObjects({ "core/a.ts": `import { Kysely } from "kysely";` }, /core may import no package/);
});

test("a package that production does not install is caught in the product, and free in a test", () => {
  const text = `import { fc } from "fast-check";`;
  assertObjects({ "server/oauth/a.ts": text }, /`fast-check` is not in package.json's dependencies/);
  assert.deepEqual(objections({ "server/oauth/a.test.ts": text }), []);
  assert.deepEqual(
    objections({ "server/transport/grpc/a.ts": `import { Server } from "@grpc/grpc-js/build/x.js";` }),
    [],
  );
});

test("files that import in a circle are caught, type imports included", () => {
  assertObjects(
    {
      "core/a.ts": `import { b } from "./b.ts";`,
      "core/b.ts": `import type { C } from "./c.ts";`,
      "core/c.ts": `import { a } from "./a.ts";`,
    },
    /core\/a.ts → core\/b.ts → core\/c.ts → core\/a.ts/,
  );
});

test("SQL outside a store is caught, as text and as a built query", () => {
  const path = "server/oauth/redeem-code.ts";
  assertObjects({ ...sound, [path]: "const q = `\n  update codes set redeemed_at = $1`;" }, /SQL is written in/);
  assertObjects({ ...sound, [path]: `const q = "select id from codes";` }, /SQL is written in/);
  assertObjects({ ...sound, [path]: `const q = "with live as (select 1) delete from codes";` }, /SQL is written in/);
  assertObjects({ ...sound, [path]: `tx.kysely().insertInto("codes");` }, /SQL is written in/);
  assertObjects({ ...sound, [path]: "const q = sql<number>`now()`;" }, /SQL is written in/);
});

test("SQL in a store, in the database's own folder or in a test is left alone, and so is English", () => {
  const text = "const q = `select id from codes`;";
  for (const path of [
    "server/oauth/store.ts",
    "server/oauth/codes-store.ts",
    "server/platform/database/a.ts",
    "tests/a.ts",
  ]) {
    assert.deepEqual(objections({ ...sound, [path]: text }), [], path);
  }
  assert.deepEqual(
    objections({ ...sound, "server/oauth/a.ts": `// select id from codes\nconst a = "selected by name";` }),
    [],
  );
});

test("a star instead of columns is caught even in a store", () => {
  const path = "server/oauth/store.ts";
  assertObjects({ ...sound, [path]: "const q = `select * from codes`;" }, /instead of `\*`/);
  assertObjects({ ...sound, [path]: "const q = `delete from codes returning *`;" }, /instead of `\*`/);
  assertObjects({ ...sound, [path]: "const q = `select c.id, c.* from codes c`;" }, /instead of `\*`/);
  assertObjects({ ...sound, [path]: `tx.kysely().selectFrom("codes").selectAll();` }, /instead of `\*`/);
  assert.deepEqual(objections({ ...sound, [path]: "const q = `select count(*) from codes`;" }), []);
});

const ambients: Readonly<Record<string, string>> = {
  "Date.now": "const a = Date.now();",
  "new Date()": "const a = new Date();",
  "performance.now": "const a = performance.now();",
  "process.hrtime": "const a = process.hrtime.bigint();",
  "Math.random": "const a = Math.random();",
  "process.env": `const a = process.env["HOME"];`,
  "global fetch": "const a = await fetch(url);",
  "globalThis.fetch": "const a = await globalThis.fetch(url);",
  "global crypto": "const a = crypto.randomUUID();",
  "imported randomness": `import { createHash, randomBytes } from "node:crypto";`,
  "an imported environment": `import { env } from "node:process";`,
};
for (const [name, text] of Object.entries(ambients)) {
  test(`ambient authority is caught: ${name}`, () => {
    assertObjects({ ...sound, "server/oauth/a.ts": text }, /server\/oauth\/a.ts:1/);
    for (const path of ["server/platform/a.ts", "server/config.ts", "cli/a.ts", "bench/a.ts", "core/a.test.ts"]) {
      assert.deepEqual(objections({ ...sound, [path]: text }), [], path);
    }
  });
}

test("a clock that was handed in, and a date made from a number, are left alone", () => {
  const text =
    "const at = new Date(clock.now());\nconst a = http.fetch(url);\n// Date.now()\nconst s = 'Math.random';\n";
  assert.deepEqual(objections({ ...sound, "server/oauth/a.ts": text }), []);
});

test("a default export is caught in both of its forms", () => {
  assertObjects({ ...sound, "core/a.ts": "export default 1;" }, /never default/);
  assertObjects({ ...sound, "core/a.ts": "const a = 1;\nexport { a as default };" }, /core\/a.ts:2 exports are named/);
});

test("a file over 400 lines is caught, unless a program wrote it", () => {
  const text = "const a = 1;\n".repeat(401);
  assertObjects({ ...sound, "core/a.ts": text }, /401 lines, and 400 is the limit/);
  assert.deepEqual(objections({ ...sound, "server/transport/grpc/generated/a.ts": text }), []);
});

test("comments, strings, templates and regular expressions do not hide an import, or make one up", () => {
  const text = [
    `// import "../server/audit/in-a-comment.ts";`,
    "const a = `import '../server/audit/in-a-template.ts' ${({ b: `${1}` }).b} import \"../x.ts\"`;",
    `const quote = /["'\`]/.test(a) ? 1 / 2 : 3;`,
    `const text = 'import "../server/audit/in-a-string.ts"';`,
    "/* ` */",
    `import { real } from "../server/audit/real.ts";`,
  ].join("\n");
  assert.deepEqual(readSource("core/a.ts", text).imports, [
    { specifier: "../server/audit/real.ts", line: 6, clause: "{ real }" },
  ]);
});
