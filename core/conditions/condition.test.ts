import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { isFault } from "../faults.ts";
import { compileCondition, compiled, evaluate } from "./condition.ts";
import type { Variables } from "./variables.ts";

const id = "0b8f3c1e-7d52-4c55-9c1a-111111111111";

const variables: Variables = {
  at: Date.UTC(2026, 10, 23, 8, 30),
  subject: { id, ref: `users/${id}`, kind: "human", acr: "phr", properties: { department: "finance", level: 3 } },
  resource: {
    id,
    type: "files",
    ref: `files/${id}`,
    owner: `users/${id}`,
    attributes: { tags: ["draft", "eu"], size: 12.5, secret: false },
    properties: {},
  },
  context: { ip: "10.1.2.3", count: 3, groups: ["a", "b"], nested: { deep: { yes: true } }, nothing: null, empty: [] },
};

const on = (text: string, more: Partial<Variables> = {}) => evaluate(compiled(text), { ...variables, ...more });
const isRefused = (text: string, why: RegExp): void => {
  const made = compileCondition(text);
  assert.ok(isFault(made), `accepted: ${text.slice(0, 100)}`);
  assert.equal(made.fault, "invalid_argument");
  assert.match(made.detail, why);
  assert.deepEqual(
    made.errors?.map(({ path }) => path),
    ["condition"],
  );
};
const fails = (text: string, why: RegExp, more: Partial<Variables> = {}): void => {
  const compile = compileCondition(text);
  assert.ok(!isFault(compile), JSON.stringify(compile));
  const outcome = on(text, more);
  assert.ok(typeof outcome === "object", `${text} came to ${JSON.stringify(outcome)}`);
  assert.match(outcome.error, why);
};

describe("what a condition can say", () => {
  const hold = [
    "true",
    "resource.owner == subject.ref",
    "subject.kind == 'human' && subject.acr == 'phr'",
    "resource.type == 'files' && resource.ref == 'files/' + resource.id",
    "subject.properties.department == 'finance'",
    "'draft' in resource.attributes.tags && !('secret' in resource.attributes.tags)",
    "resource.attributes.size < 20 && resource.attributes.secret == false",
    "context.count == 3 && context.count in [1, 2, 3] && int(context.count) + 1 == 4",
    "context.nested.deep.yes == true && context['count'] > 2",
    "has(context.ip) && !has(context.port)",
    "context.nothing == null",
    "context.groups.exists(g, g == 'b') && context.groups.all(g, g.size() == 1)",
    "context.groups.filter(g, g.startsWith('a')).size() == 1",
    "!(1 in context.empty)",
    "now > timestamp('2026-01-01T00:00:00Z') && now - timestamp('2026-11-23T08:00:00Z') < duration('1h')",
    "now.getHours('Europe/Berlin') == 9 && now.getHours() == 8 && now.getDayOfWeek('UTC') == 1",
    "in_network(context.ip, '10.0.0.0/8') && !in_network(context.ip, '192.168.0.0/16')",
    "in_network(context.ip, ['192.168.0.0/16', '10.0.0.0/8'])",
    "has(context.port) && context.port == 22 || subject.kind == 'human'",
  ];
  for (const text of hold) test(text, () => assert.equal(on(text), true));

  test("false is no error", () => assert.equal(on("context.count == 4"), false));
});

describe("what can't be evaluated is a no, with why", () => {
  test("a missing entry, and not JavaScript's idea of one", () => {
    fails("context.port == 22", /no such key: port/);
    fails("context.port == null", /no such key/);
    fails("context.groups[7] == 'a'", /out of bounds/);
    fails("subject.acr == 'phr'", /no such key: acr/, { subject: { ...variables.subject, acr: undefined } });
    fails("resource.owner == subject.ref", /no such key: owner/, {
      resource: { ...variables.resource, owner: undefined },
    });
    fails("context.ip == 'x'", /no such key/, { context: undefined });
  });

  test("values of another type", () => {
    fails("context.ip > 3", /no such overload/);
    fails("context.count + 1 == 4", /no such overload/);
    fails("context.count.startsWith('3')", /no matching overload/);
    fails("context.nested && true", /bool/);
    assert.equal(on("context.count == '3'"), false);
  });

  test("numbers that leave their range", () => {
    fails("9223372036854775807 + int(context.count) > 0", /overflow/);
    fails("int(context.count) / 0 == 1", /division by zero/);
    fails("int(context.ip) == 1", /cannot convert/);
    fails("int(context.big) + 1 > 0", /overflow/, { context: { big: 1e300 } });
    assert.equal(on("context.big == 9007199254740993", { context: { big: 9_007_199_254_740_992 } }), false);
    fails("context.n > 1", /number/, { context: { n: Number.NaN } });
    fails("context.n > 1", /number/, { context: { n: Number.POSITIVE_INFINITY } });
    fails("context.n > 1", /not JSON/, { context: { n: 10n } });
  });

  test("addresses and networks that are none", () => {
    for (const ip of ["", "10.1", "010.1.2.3", "0x0a.1.2.3", "10.1.2.3 ", "10.1.2.256", "fe80::1%eth0", "::1::", "1e3"])
      fails("in_network(context.ip, '0.0.0.0/0') || in_network(context.ip, '::/0')", /is not an IP address/, {
        context: { ip },
      });
    fails("in_network(context.ip, context.net)", /is not a network/, {
      context: { ip: "10.0.0.1", net: "10.0.0.0/33" },
    });
    fails("in_network(context.ip, context.nets)", /is not a network/, {
      context: { ip: "10.0.0.1", nets: ["10.0.0.0/8", "10/8"] },
    });
  });

  test("a zone there is none of", () =>
    fails("now.getHours(context.zone) == 1", /zone/i, { context: { zone: "Mars" } }));

  test("a moment that is none", () => fails("now.getHours() == 1", /./, { at: Number.NaN }));

  test("a text that no longer compiles, met where it is stored", () => {
    const outcome = on("subject.title == 'x'");
    assert.ok(typeof outcome === "object");
    assert.match(outcome.error, /not accepted/);
  });
});

describe("JavaScript is not reached through it", () => {
  test("names of its prototypes are entries like any other, and mostly missing", () => {
    for (const name of [
      "constructor",
      "__proto__",
      "prototype",
      "toString",
      "hasOwnProperty",
      "valueOf",
      "get",
      "size",
    ]) {
      fails(`context.${name} == 'x'`, /no such key/);
      fails(`context['${name}'] == 'x'`, /no such key/);
      assert.equal(on(`has(context.nested.${name}) || '${name}' in context`), false);
      fails(`subject.properties.${name} == 'x'`, /no such key/);
      isRefused(`subject.${name} == 'x'`, /has no/);
    }
  });

  test("what is sent under them stays what was sent", () => {
    const context = JSON.parse('{"__proto__": {"admin": true}, "constructor": "x", "toString": 1}') as Record<
      string,
      unknown
    >;
    assert.equal(on("context.constructor == 'x' && context.toString == 1", { context }), true);
    fails("context.admin == true", /no such key/, { context });
    assert.equal(on("context.__proto__.admin == true", { context }), true);
    assert.equal(({} as { admin?: boolean }).admin, undefined);
  });
});

describe("refused when it is written, with the place and what to do", () => {
  test("syntax", () => {
    isRefused("", /not accepted/);
    isRefused("context.ip ==", /line 1, column 14/);
    isRefused("true &&\n  'open", /line 2, column 3.*unterminated/);
    isRefused("a = b", /unexpected character/);
  });

  test("names there are none of", () => {
    isRefused("user.id == 'x'", /line 1, column 1: there is no variable `user`; there are `now`, `subject`/);
    isRefused("resource.ownr == subject.ref", /`resource` has no `ownr`; it has/);
    isRefused("has(resource.ownr)", /`resource` has no `ownr`/);
    isRefused("exec('ls') == 1", /there is no function `exec`; there are `has`/);
    isRefused("context.ip.repeat(9) == ''", /no function `repeat` to call on something/);
    isRefused("google.protobuf.Timestamp == google.protobuf.Timestamp", /no variable `google`/);
    isRefused("context.groups.exists(now, now == 'a')", /`now` is there already/);
  });

  test("types that can't be right", () => {
    isRefused("'yes'", /must be true or false, and is of type `string`/);
    isRefused("subject", /is of type `subject`/);
    isRefused("context.flag", /compare it/);
    isRefused("now == 'monday'", /no such overload/);
    isRefused("in_network(1, 2)", /no matching overload/);
  });

  test("networks that are written down and are none", () => {
    isRefused("in_network(context.ip, '10.0.0.0/33')", /column 24: `10.0.0.0\/33` is not a network; write it like/);
    isRefused("in_network(context.ip, ['::/0', 'office'])", /`office` is not a network/);
  });

  test("`matches`, whose regular expression may take forever", () => {
    isRefused("context.ip.matches('^(a+)+$')", /there is no `matches`.*use `startsWith`/);
    isRefused("context.ip.matches(context.pattern)", /there is no `matches`/);
  });
});

describe("its cost is bounded", () => {
  test("its length, its depth, and how much it says", () => {
    isRefused(`context.a == '${"x".repeat(2_000)}'`, /characters, and 2000 are allowed/);
    isRefused(`${"(".repeat(300)}true${")".repeat(300)}`, /depth/i);
    isRefused(`${"!".repeat(300)}true`, /depth|nodes/i);
    isRefused(Array.from({ length: 130 }, () => "1 == 1").join("&&"), /nodes|depth/i);
    isRefused(`[${"1,".repeat(150)}1].size() == 1`, /elements|nodes/i);
  });

  test("values that are built up", () => {
    for (const name of ["map", "split", "join", "substring", "json"])
      isRefused(`context.groups.${name}('a') == 'b'`, /there is no function/);
    isRefused("cel.bind(x, context.a, x == 'b')", /there is no function `bind`|no variable `cel`/);
  });

  test("comprehensions inside comprehensions", () => {
    const inside = (depth: number): string =>
      depth === 0 ? "true" : `context.groups.exists(v${depth}, ${inside(depth - 1)})`;
    assert.ok(!isFault(compileCondition(inside(2))));
    isRefused(inside(3), /inside one another/);
  });

  test("lists against lists, by what they may take at most", () => {
    assert.ok(!isFault(compileCondition("context.groups.exists(g, g in resource.attributes.tags)")));
    isRefused("context.groups.all(a, context.groups.all(b, a == b))", /steps, and 100000 are allowed/);
    const long = Array.from({ length: 8 }, () => "context.groups").join("+");
    isRefused(`(${long}).all(a, (${long}).all(b, a == b))`, /steps, and 100000 are allowed/);
  });

  test("the dearest that are accepted still end at once", () => {
    const words = Array.from({ length: 100 }, (_, at) => "x".repeat(990) + at);
    const context = { a: words.slice(0, 50), b: words.slice(50), t: "x".repeat(1_000) };
    const dear = [
      "context.a.all(x, context.b.all(y, y != 'x'))",
      "!context.a.exists(x, x == context.t || x + context.t in context.b)",
      "context.a.all(x, !(x in context.b))",
      "context.a.all(x, x.lowerAscii().contains(context.t) == false)",
    ];
    for (const text of dear) {
      assert.ok(!isFault(compileCondition(text)), text);
      const began = process.cpuUsage();
      assert.equal(on(text, { context }), true, text);
      const { user, system } = process.cpuUsage(began);
      assert.ok(user + system < 500_000, `${text} took ${user + system} µs`);
    }
  });

  test("what is asked about is bounded too: what is larger is a no", () => {
    const texts = ["size(context) >= 0", "context == context"];
    const large: readonly (readonly [object, RegExp])[] = [
      [{ a: "x".repeat(1_001) }, /more than 1000 characters/],
      [{ ["x".repeat(1_001)]: 1 }, /name of more than 1000 characters/],
      [{ a: Array.from({ length: 101 }, () => 1) }, /more than 100 elements/],
      [Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`k${at}`, at])), /more than 100 elements/],
      [
        Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`k${at}`, Array.from({ length: 60 }, () => 1)])),
        /500 values/,
      ],
      [JSON.parse(`${'{"a":'.repeat(20)}1${"}".repeat(20)}`) as object, /deep/],
    ];
    for (const text of texts)
      for (const [context, why] of large) fails(text, why, { context: context as Record<string, unknown> });
    assert.equal(on("subject.kind == 'human'", { context: { a: "x".repeat(9_999) } }), true, "nobody looked at it");
  });
});

describe("whatever is asked", () => {
  const texts = [
    "context.a == 1",
    "context.a.b > 2 || has(context.c)",
    "context.a in context.b",
    "context.list.exists(x, x == context.a)",
    "size(context.a) > 0 && context.a.startsWith('x')",
    "in_network(context.a, '10.0.0.0/8')",
    "int(context.a) > 1",
  ];

  test("evaluation never throws, and says the same again", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.dictionary(fc.constantFrom("a", "b", "c", "list", "__proto__"), fc.jsonValue()),
        (text, context) => {
          const once = on(text, { context });
          assert.deepEqual(on(text, { context }), once);
          assert.ok(typeof once === "boolean" || once.error.length > 0);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("compiling any text never throws", () => {
    const part = fc.constantFrom(
      "context",
      ".",
      "a",
      "(",
      ")",
      "[",
      "]",
      "{",
      "}",
      "'",
      '"',
      "1",
      "0x",
      "&&",
      "==",
      "in",
      "!",
      "?",
      ":",
      "has",
      "exists",
      ",",
      "\\",
      "\n",
      "now",
      "é",
      "__proto__",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 50 }),
          fc.array(part, { maxLength: 20 }).map((all) => all.join("")),
        ),
        (text) => {
          const made = compileCondition(text);
          assert.ok(isFault(made) || made.text === text);
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
