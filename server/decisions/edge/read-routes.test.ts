// The gateways' routes as a file: right, or everything that is wrong with it at once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadModel } from "../../startup/access-model.ts";
import { readRoutes } from "./read-routes.ts";
import { ruleBeside } from "./read-rule.ts";

const { model } = loadModel("");
const errorsOf = (text: string): readonly string[] => {
  const read = readRoutes(text, "routes.yaml", model);
  assert.ok("errors" in read, "it was accepted");
  return read.errors;
};

test("a file that is right becomes routes, with the file's audience where a route names none", () => {
  const read = readRoutes(
    `
audience: [https://api.example.com]
routes:
  - { methods: [GET], path: "/accounts/{id}/payouts", permission: payouts:read, resource: "accounts/{id}" }
  - { host: api.example.com, methods: [POST], path: /settings, permission: settings:update, scopes: [settings:update], audience: [https://b.example] }
  - { methods: [GET], path: /status, public: load balancers look here }
`,
    "routes.yaml",
    model,
  );
  assert.ok("routes" in read, JSON.stringify(read));
  assert.deepEqual(
    read.routes.map(({ host, methods, path, rule }) => [host, methods, path.text, rule]),
    [
      [
        undefined,
        ["GET"],
        "/accounts/{id}/payouts",
        {
          at: "guarded",
          permission: "payouts:read",
          resource: "accounts/{id}",
          scopes: [],
          audience: ["https://api.example.com"],
        },
      ],
      [
        "api.example.com",
        ["POST"],
        "/settings",
        { at: "guarded", permission: "settings:update", scopes: ["settings:update"], audience: ["https://b.example"] },
      ],
      [undefined, ["GET"], "/status", { at: "public", why: "load balancers look here" }],
    ],
  );
});

test("every mistake is told at once, with its line and its place", () => {
  const errors = errorsOf(`routes:
  - { methods: [GET], path: "/a/{id}", permission: payouts:raed, resource: "acounts/{id}" }
  - { methods: [get], path: a, permission: payouts:read }
  - { methods: [], path: "/b/{id}", permission: payouts:read, resource: "accounts/{account}" }
  - { methods: [GET], path: /c }
  - { methods: [GET], path: /d, public: "" }
  - { methods: [GET], path: /e, public: why, permission: payouts:read }
  - { methods: [GET], path: "/f/**/g", permission: payouts:read }
  - { methods: [GET], path: "/g/{id}/{id}", permission: payouts:read }
  - { methods: [GET], path: /h/../i, permission: payouts:read }
  - { host: "UPPER.example", methods: [GET], path: /j, permision: payouts:read }
  - { methods: [GET, PUT], path: "/k/{id}", permission: payouts:read }
  - { methods: [PUT], path: "/k/{key}", permission: payouts:read }
  - { methods: [GET], path: /l, permission: payouts:read, scopes: [payouts:raed], resource: accounts/7 }
  - { methods: [GET], path: /m, public: why, public: twice }
extra: 1
`);
  const places = [
    /^routes\.yaml:2: routes\[0\]\.permission: there is no permission `payouts:raed`/,
    /^routes\.yaml:2: routes\[0\]\.resource: the model has no collection `acounts`/,
    /^routes\.yaml:3: routes\[1\]\.methods\[0\]: `get` is not a method/,
    /^routes\.yaml:3: routes\[1\]\.path: must begin with `\/`/,
    /^routes\.yaml:4: routes\[2\]\.methods: must name at least one/,
    /^routes\.yaml:4: routes\[2\]\.resource: `\{account\}` is no parameter of the path/,
    /^routes\.yaml:5: routes\[3\]: has neither a `permission` nor `public`/,
    /^routes\.yaml:6: routes\[4\]\.public: must say why/,
    /^routes\.yaml:7: routes\[5\]\.permission: means nothing on a public route/,
    /^routes\.yaml:8: routes\[6\]\.path: has `\*\*` before its end/,
    /^routes\.yaml:9: routes\[7\]\.path: has the parameter `id` twice/,
    /^routes\.yaml:10: routes\[8\]\.path: has the segment `\.\.`/,
    /^routes\.yaml:11: routes\[9\]\.host: `UPPER\.example` is not a host/,
    /^routes\.yaml:11: routes\[9\]\.permision: unknown field `permision`/,
    /^routes\.yaml:13: routes\[11\]: `PUT \/k\/\{key\}` has a route already/,
    /^routes\.yaml:14: routes\[12\]\.scopes\[0\]: there is no permission `payouts:raed`/,
    /^routes\.yaml:14: routes\[12\]\.resource: `accounts\/7` is neither/,
    /^routes\.yaml:15: routes\[13\]\.public: `public` is there twice/,
    /^routes\.yaml:16: extra: unknown field `extra`/,
  ];
  for (const place of places)
    assert.ok(
      errors.some((one) => place.test(one)),
      `${place} in\n${errors.join("\n")}`,
    );
});

test("no file, a list, a broken one, one that multiplies, a huge one: errors, and never routes", () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nroutes: [*c,*c,*c,*c]`;
  for (const text of [
    "",
    "[]",
    "routes: {}",
    "routes",
    "routes: [",
    "routes: [1]",
    "routes: *x",
    bomb,
    "#".repeat(1_000_001),
  ])
    assert.ok(errorsOf(text).length > 0, text.slice(0, 40));
});

test("a rule beside the gateway's credential is as strict, and one that is wrong is none", () => {
  assert.deepEqual(ruleBeside({ permission: "payouts:read", scopes: "payouts:read openid" }, model, undefined), {
    at: "guarded",
    permission: "payouts:read",
    scopes: ["payouts:read", "openid"],
    audience: [],
  });
  for (const given of [
    {},
    { permission: "" },
    { permission: "payouts:raed" },
    { resource: "accounts/{id}" },
    { permission: "payouts:read", resource: "accounts/{id}" },
    { permission: "payouts:read", public: "why" },
    { public: "" },
  ])
    assert.equal(ruleBeside(given, model, undefined), undefined, JSON.stringify(given));
});
