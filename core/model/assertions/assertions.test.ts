import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readModel } from "../read-model.ts";
import { formatTextError } from "../yaml-text.ts";
import { uncovered } from "./coverage.ts";
import { type Assertions, readAssertions } from "./read-assertions.ts";
import { runAssertions } from "./run.ts";

const text = `
perimeters:
  company: { collection: companies }
  shop: { collection: shops, in: [company] }
resources:
  files: { in: [shop, files], actions: [read, write, burn], levels: { view: [read], edit: [read, write] } }
  engines: { in: [host], actions: [start] }
roles:
  clerk: { permissions: ["shops:read"], within_grants: ["files:*"] }
  boss: { permissions: ["*"] }
host_roles:
  operator: { permissions: ["engines:*", "users:read"] }
governance:
  files:burn: { class: human, approvals: { required: 2, expires_in: 1h } }
`;
const model = (() => {
  const read = readModel(text, "small.yaml");
  assert.ok("model" in read, JSON.stringify(read));
  return read.model;
})();

const read = (written: string) => readAssertions(written, "small.test.yaml", () => ({ model }));

const errorsOf = (written: string): readonly string[] => {
  const found = read(written);
  assert.ok("errors" in found, "it was read without an error");
  return found.errors.map(formatTextError);
};

const assertionsOf = (written: string): Assertions => {
  const found = read(written);
  assert.ok("document" in found, "errors" in found ? found.errors.map(formatTextError).join("\n") : "");
  return found;
};

/** `line: what` for everything that does not hold. */
const failuresOf = (written: string): readonly string[] => {
  const { document, lineOf } = assertionsOf(written);
  return runAssertions(model, document).flatMap(({ failures }) =>
    failures.map(({ path, what }) => `${lineOf(path)}: ${what}`),
  );
};

const world = `world:
  companies/acme: {}
  shops/north: { in: companies/acme }
  files/plans: { in: shops/north, owner: users/olga }
  files/plan: { in: files/plans, owner: users/mo, attributes: { stage: draft } }
  shops/shut: { in: companies/acme, state: suspended }
principals:
  groups/all: { members: [groups/some, users/una] }
  groups/some: { members: [users/mo, service-accounts/bot] }
  users/gone: { state: suspended }
roles:
  reader: { permissions: ["files:read"] }
given:
  - { principal: users/mo, role: clerk, at: shops/north }
  - { principal: groups/all, grant: edit, on: files/plans }
  - { principal: users/bob, role: boss, at: companies/acme }
  - { principal: users/gone, role: boss, at: companies/acme }
tests:
`;

describe("assertions that hold", () => {
  for (const [what, claim] of [
    ["a role", "{ name: x, principal: users/bob, allow: [files:write on files/plan], deny: [engines:start on host] }"],
    [
      "a grant of a group in a group, under a role",
      "{ name: x, principal: users/mo, allow: [files:write on files/plan] }",
    ],
    [
      "a grant of a group without a role",
      "{ name: x, principal: users/una, because: { files:write on files/plan: needs_role } }",
    ],
    [
      "several permissions at once",
      '{ name: x, principal: users/mo, allow: ["files:read, files:write on files/plan"] }',
    ],
    ["a pattern", '{ name: x, principal: users/mo, deny: ["users:* on shops/north"] }'],
    [
      "an obligation, with the number or without",
      "{ name: x, principal: users/bob, obliges: { files:burn on files/plan: [approval] } }",
    ],
    [
      "a service's obligations",
      "{ name: x, principal: service-accounts/s, given: [{ role: boss, at: shops/north }], obliges: { files:burn on files/plan: [approval of 2, human] } }",
    ],
    [
      "somebody who did not initiate it",
      "{ name: x, principal: users/bob, human_present: false, obliges: { files:burn on files/plan: [human, approval] } }",
    ],
    [
      "everything there is",
      "{ name: x, given: [{ role: clerk, at: shops/north }, { grant: view, on: files/plan }], exactly: { files/plan: [shops:read, files:read], files/plans: [shops:read], companies/acme: [] } }",
    ],
    [
      "a star, which leaves the host out",
      '{ name: x, principal: users/bob, exactly: { companies/acme: ["*"], host: [] } }',
    ],
    [
      "a host role",
      '{ name: x, given: [{ role: operator, at: host }], exactly: { host: ["engines:*", users:read], files/plan: ["engines:*", users:read] } }',
    ],
    [
      "a tenant's own role",
      "{ name: x, given: [{ role: roles/reader, at: shops/north, propagation: self }], deny: [files:read on files/plan] }",
    ],
    [
      "what is listed, of the permission's own nodes",
      "{ name: x, principal: users/mo, list: { files:write: [files/plans, files/plan], shops:read: [shops/north] } }",
    ],
    [
      "what is listed, of what the server keeps",
      "{ name: x, principal: users/bob, list: { users:create: [companies/acme, shops/north] } }",
    ],
    ["who may", "{ name: x, who: { files:write on files/plan: [users/bob, users/mo], shops:read on shops/shut: [] } }"],
    [
      "who is suspended, and what is",
      "{ name: x, principal: users/gone, because: { shops:read on shops/north: principal_not_active } }",
    ],
    [
      "what has expired",
      "{ name: x, given: [{ role: boss, at: shops/north, expired: true }], because: { shops:read on shops/north: expired } }",
    ],
    [
      "a token that narrows",
      '{ name: x, principal: users/bob, scopes: ["shops:*"], exactly: { shops/north: ["shops:*"] } }',
    ],
    [
      "a condition on what is stored",
      "{ name: x, given: [{ role: boss, at: shops/north, condition: \"resource.attributes.stage == 'draft'\" }], allow: [files:read on files/plan], deny: [files:read on files/plans] }",
    ],
    [
      "a condition on who asks",
      "{ name: x, principal: users/olga, given: [{ role: boss, at: shops/north, condition: 'resource.owner == subject.ref' }], allow: [files:read on files/plans], deny: [files:read on files/plan] }",
    ],
    [
      "a condition on the request",
      "{ name: x, given: [{ role: boss, at: shops/north, condition: 'context.quiet == true' }], context: { quiet: true }, allow: [files:read on files/plans] }",
    ],
    [
      "a condition on the time",
      "{ name: x, now: '2027-01-01T00:00:00Z', given: [{ role: boss, at: shops/north, condition: \"now < timestamp('2026-06-01T00:00:00Z')\" }], deny: [files:read on files/plans] }",
    ],
  ] as const)
    test(what, () => assert.deepEqual(failuresOf(`${world}  - ${claim}\n`), []));
});

describe("assertions that do not hold", () => {
  const first = world.split("\n").length;

  test("each says what is so instead, with its line", () => {
    const written = `${world}  - name: a
    principal: users/mo
    allow:
      - files:read on files/plan
      - files:burn, shops:read, users:read on files/plan
    deny: [files:write on files/plan]
    obliges: { files:read on files/plan: [human] }
    because: { files:read on files/plan: role }
    exactly:
      shops/north: [users:read]
    list: { files:read: [files/plan] }
    who: { files:read on files/plan: [users/una] }
`;
    // How a decision is explained is for explain.ts to say.
    const said = failuresOf(written).map((line) => line.replace(/ is (allowed|denied): .+$/, " is $1: …"));
    assert.deepEqual(said, [
      `${first + 4}: \`files:burn\` on \`files/plan\` is denied: …`,
      `${first + 4}: \`users:read\` on \`files/plan\` is denied: …`,
      `${first + 5}: \`files:write\` on \`files/plan\` is allowed: …`,
      `${first + 6}: \`files:read\` on \`files/plan\` is allowed: …`,
      `${first + 7}: \`files:read\` on \`files/plan\` is decided by \`role_within_grant\`, and not by \`role\``,
      `${first + 9}: on \`shops/north\` \`shops:read\` can be done as well`,
      `${first + 9}: on \`shops/north\` \`users:read\` can't be done`,
      `${first + 10}: \`files:read\` is allowed on \`files/plans\` as well`,
      `${first + 11}: \`files:read\` on \`files/plan\` is allowed to \`users/bob\`, \`users/mo\` as well`,
      `${first + 11}: \`files:read\` on \`files/plan\` is not allowed to \`users/una\``,
    ]);
  });

  test("what obliges to more, to less, or to something else", () => {
    const failing = (obligations: string) =>
      failuresOf(
        `${world}  - { name: a, principal: users/bob, obliges: { files:burn on files/plan: [${obligations}] } }\n`,
      );
    for (const said of ["human", "approval of 3", "approval of 2, human", "step_up urn:x"])
      assert.deepEqual(failing(said), [
        `${first}: \`files:burn\` on \`files/plan\` needs approval of 2, and not ${said}`,
      ]);
  });
});

test("every mistake is told at once, with its line, and with what was probably meant", () => {
  const written = `world:
  companies/acme: { sate: active }
  shops/north: { in: companies/acm }
  shops/lost: {}
  files/plan: { in: companies/acme, owner: nobody }
  planets/mars: {}
  Plans: {}
  files/north: { in: shops/north }
principals:
  users/mo: { members: [users/una], state: asleep }
given:
  - { principal: users/mo, role: clerc, at: shops/north }
  - { principal: users/mo, role: operator, at: shops/north }
  - { principal: users/mo, role: clerk, at: files/plan }
  - { principal: users/mo, grant: edti, on: files/plan }
  - { principal: teams/mo, grant: edit, on: files/pla, at: shops/north }
  - { principal: users/mo, role: clerk, at: shops/north, condition: "resource.ovner == 1" }
tests:
  - name: a
    allow: [files:raed on files/plan, files:read at files/plan]
    because: { files:read on files/plan: no_rolle }
    obliges: { files:read on files/plan: [applause] }
    exactly: { files/paln: [files:wrote] }
    list: { "files:*": [files/plan] }
    scopes: [fils:read]
    now: yesterday
  - name: a
  - principal: groups/all
    deny: [files:read on files/plan]
tets: []
`;
  const said = errorsOf(written);
  for (const expected of [
    /^small\.test\.yaml:2: world\.companies\/acme\.sate: unknown field `sate`/,
    /^small\.test\.yaml:3: world\.shops\/north\.in: there is no `companies\/acm` in the world; did you mean `companies\/acme`\?$/,
    /^small\.test\.yaml:4: world\.shops\/lost: `shops\/lost` must be in something; a `shop` can be in `company`$/,
    /^small\.test\.yaml:5: world\.files\/plan\.in: a `files` can't be in a `company`; it can be in `shop`, `files`$/,
    /^small\.test\.yaml:5: world\.files\/plan\.owner: `nobody` is no principal/,
    /^small\.test\.yaml:6: world\.planets\/mars: there is no collection `planets`$/,
    /^small\.test\.yaml:7: world\.Plans: `Plans` is no ref/,
    /^small\.test\.yaml:8: world\.files\/north: `north` is already the name of `shops\/north`$/,
    /^small\.test\.yaml:10: principals\.users\/mo\.members: only a group has members$/,
    /^small\.test\.yaml:10: principals\.users\/mo\.state: `asleep` is none of/,
    /^small\.test\.yaml:12: given\[0\]\.role: there is no role `clerc`; did you mean `clerk`\?$/,
    /^small\.test\.yaml:13: given\[1\]\.role: there is no role `operator`$/,
    /^small\.test\.yaml:14: given\[2\]\.at: `files\/plan` is no perimeter/,
    /^small\.test\.yaml:15: given\[3\]\.grant: `files` has no level `edti`; did you mean `edit`\?$/,
    /^small\.test\.yaml:16: given\[4\]\.at: goes with `role`, and not with `grant`$/,
    /^small\.test\.yaml:16: given\[4\]\.principal: `teams\/mo` is no principal/,
    /^small\.test\.yaml:16: given\[4\]\.on: there is no `files\/pla` in the world; did you mean `files\/plan`\?$/,
    /^small\.test\.yaml:17: given\[5\]\.condition: the condition is not accepted/,
    /^small\.test\.yaml:20: tests\[0\]\.allow\[0\]: there is no permission `files:raed`; did you mean `files:read`\?$/,
    /^small\.test\.yaml:20: tests\[0\]\.allow\[1\]: `files:read at files\/plan` must be permissions on a target/,
    /^small\.test\.yaml:21: .*there is no rule `no_rolle`; did you mean `no_role`\?$/,
    /^small\.test\.yaml:22: .*`applause` is no obligation/,
    /^small\.test\.yaml:23: .*there is no `files\/paln` in the world; did you mean `files\/plan`\?$/,
    /^small\.test\.yaml:23: .*there is no permission `files:wrote`; did you mean `files:write`\?$/,
    /^small\.test\.yaml:24: .*there is no permission `files:\*`/,
    /^small\.test\.yaml:25: tests\[0\]\.scopes\[0\]: there is no permission `fils:read`; did you mean `files:read`\?$/,
    /^small\.test\.yaml:26: tests\[0\]\.now: `yesterday` is no time/,
    /^small\.test\.yaml:27: tests\[1\]\.name: `a` is there twice$/,
    /^small\.test\.yaml:27: tests\[1\]: asserts nothing/,
    /^small\.test\.yaml:28: tests\[2\]\.name: is missing$/,
    /^small\.test\.yaml:28: tests\[2\]\.principal: `groups\/all` is no principal/,
    /^small\.test\.yaml:30: tets: unknown field `tets`/,
  ])
    assert.equal(said.filter((line) => expected.test(line)).length, 1, `${String(expected)}\n${said.join("\n")}`);
  assert.equal(said.length, 32, said.join("\n"));
});

test("a tree that leads round, an empty file, and a model that is not there", () => {
  assert.match(
    errorsOf("world: { files/a: { in: files/b }, files/b: { in: files/a } }\ntests: []\n").join("\n"),
    /leads round in a circle/,
  );
  assert.deepEqual(errorsOf(""), ["small.test.yaml:1: must be a mapping"]);
  const found = readAssertions("model: other.yaml\nworld: {}\ntests: []\n", "x.test.yaml", (named) => ({
    wrong: `there is no model \`${named}\``,
  }));
  assert.ok("errors" in found);
  assert.deepEqual(found.errors.map(formatTextError), ["x.test.yaml:1: model: there is no model `other.yaml`"]);
});

test("what no test decides in full is named", () => {
  const { document } = assertionsOf(
    `${world}  - { name: a, principal: users/bob, exactly: { companies/acme: ["*"] }, obliges: { files:burn on files/plan: [approval] } }\n`,
  );
  assert.deepEqual(uncovered(model, document), {
    roles: ["clerk", "host/operator"],
    levels: ["files/view", "files/edit"],
    governed: [],
  });
});
