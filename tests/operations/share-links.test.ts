/** Share links, over the whole way of an operation and a real PostgreSQL. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, describe, test } from "node:test";
import { formatRef, type NodeId, type TenantId } from "../../core/ids.ts";
import { revokeRoleAssignment } from "../../server/access/role-assignments/revoke-role-assignment.ts";
import { listRoleAssignments } from "../../server/access/role-assignments/list-role-assignments.ts";
import { createShareLink } from "../../server/access/share-links/create-share-link.ts";
import { getShareLink } from "../../server/access/share-links/get-share-link.ts";
import { listShareLinks } from "../../server/access/share-links/list-share-links.ts";
import { share_link_ttl_days_max } from "../../server/access/share-links/model.ts";
import { openShareLink } from "../../server/access/share-links/open-share-link.ts";
import { renewShareLink } from "../../server/access/share-links/renew-share-link.ts";
import { revokeShareLink } from "../../server/access/share-links/revoke-share-link.ts";
import type { Caller } from "../../server/authority/caller.ts";
import { wrong_passwords_max } from "../../server/authority/lent.ts";
import { newSecret } from "../../server/tokens/secret-text.ts";
import { type Body, openWorkbench } from "../support/engine.ts";
import { callerHolding, day, later, refOf, scopedTo, suspendPrincipal, tally } from "./access-kit.ts";

const bench = await openWorkbench();
after(bench.close);

const ref = (id: NodeId): string => formatRef("documents", id);

type Stage = {
  readonly tenant: TenantId;
  readonly owner: Caller;
  /** Opens links, and may do nothing else. */
  readonly server: Caller;
  readonly folder: NodeId;
};
const stage = async (): Promise<Stage> => {
  const tenant = await bench.tenant();
  return {
    tenant,
    owner: await bench.ownerOf(tenant),
    server: await callerHolding(bench, tenant, ["share-links:open"]),
    folder: await bench.node(tenant, "documents"),
  };
};

const linkOf = (caller: Caller, folder: NodeId, more: object = {}): Promise<Body> =>
  bench.ok(createShareLink, caller, {
    parent: ref(folder),
    level: "viewer",
    display_name: "For the auditors",
    expire_time: later(bench, 7),
    ...more,
  });
const open = (server: Caller, link: unknown, password?: string) =>
  bench.call(openShareLink, server, { link, ...(password === undefined ? {} : { password }) });
const opens = async (server: Caller, link: unknown, password?: string): Promise<boolean> =>
  !("fault" in (await open(server, link, password)));
const setState = (tenant: TenantId, node: NodeId, state: string) =>
  bench.sql(tenant, "test.state", "update nodes set state = $2 where id = $1", [node, state]);

test("a link is shown once, and opened by whoever has its text: its resource, its level, and how often it still opens", async () => {
  const { tenant, owner, server, folder } = await stage();
  const made = await linkOf(owner, folder, { uses_max: 2 });
  const { link, ...rest } = made;
  assert.match(String(link), /^cs_share_[\w-]{99}$/);
  assert.deepEqual(await bench.ok(getShareLink, owner, { id: made.id }), rest);
  assert.deepEqual(
    [made["parent"], made["creator"], made.state, made["has_password"], made["uses_max"], made["uses"]],
    [ref(folder), refOf(owner), "live", false, 2, 0],
  );
  const opened = await bench.ok(openShareLink, server, { link });
  assert.deepEqual(opened, {
    resource: ref(folder),
    level: "viewer",
    permissions: ["documents:read"],
    expire_time: made["expire_time"],
    uses_left: 1,
    share_link: made.resource,
    creator: refOf(owner),
  });
  assert.equal((await bench.ok(openShareLink, server, { link }))["uses_left"], 0);
  assert.equal(await opens(server, link), false);
  const seen = await bench.ok(getShareLink, owner, { id: made.id });
  assert.deepEqual([seen.state, seen["uses"], seen.etag], ["used_up", 2, made.etag]);

  const entries = (await bench.audit(tenant)).filter(({ action }) => action === "share-links.open");
  assert.deepEqual(
    entries.map(({ outcome, target, actor_of_record, target_path }) => [
      outcome,
      target,
      actor_of_record,
      target_path?.[0],
    ]),
    ["done", "done", "failed"].map((outcome) => [outcome, made.resource, refOf(server), ref(folder)]),
  );
  const told = (await bench.events(tenant)).filter(({ type }) => type.includes("share-link"));
  assert.deepEqual(
    told.map(({ type, subject }) => [type, subject]),
    ["created", "opened", "opened"].map((verb) => [`countersign.share-link.${verb}.v1`, made.resource]),
  );
  assert.ok(!JSON.stringify([told, entries]).includes(String(link)));
});

test("a repetition under the same idempotency key does not show the link again", async () => {
  const { owner, folder } = await stage();
  const input = {
    parent: ref(folder),
    level: "viewer",
    display_name: "Once",
    expire_time: later(bench, 1),
    password: "correct horse",
  };
  const first = await bench.ok(createShareLink, owner, input, { idempotencyKey: "once" });
  const { link, ...rest } = first;
  assert.ok(link);
  assert.deepEqual(await bench.ok(createShareLink, owner, input, { idempotencyKey: "once" }), rest);
  const other = { ...input, password: "another horse" };
  await bench.refused("idempotency_conflict", createShareLink, owner, other, { idempotencyKey: "once" });
});

test("resource, level and expiry must be there; a link ends, within a year", async () => {
  const { owner, folder, tenant } = await stage();
  const foreign = await bench.node(await bench.tenant(), "documents");
  const input = { parent: ref(folder), level: "viewer", display_name: "A link", expire_time: later(bench, 1) };
  const { expire_time: _, ...endless } = input;
  await bench.refused("invalid_argument", createShareLink, owner, endless);
  for (const [code, more] of [
    ["not_admissible", { expire_time: later(bench, -1) }],
    ["not_admissible", { expire_time: later(bench, share_link_ttl_days_max + 1) }],
    ["not_admissible", { level: "emperor" }],
    ["not_admissible", { parent: bench.rootRef(tenant) }],
    ["not_found", { parent: ref(foreign) }],
    ["invalid_argument", { password: "short" }],
    ["invalid_argument", { password: "x".repeat(300) }],
    ["invalid_argument", { uses_max: 0 }],
    ["invalid_argument", { display_name: "two\nlines" }],
  ] as const)
    await bench.refused(code, createShareLink, owner, { ...input, ...more });
  await bench.ok(createShareLink, owner, { ...input, expire_time: later(bench, share_link_ttl_days_max) });
  await bench.refused("not_admissible", createShareLink, bench.host, input, { tenant: bench.rootRef(tenant) });
});

describe("every no is the same", () => {
  test("unknown, malformed, another tenant's, expired, revoked, used up, locked, wrong password, missing password", async () => {
    const { tenant, owner, server, folder } = await stage();
    const other = await stage();
    const elsewhere = await linkOf(other.owner, other.folder);
    const [used, revoked, guarded, expired] = [
      await linkOf(owner, folder, { uses_max: 1 }),
      await linkOf(owner, folder),
      await linkOf(owner, folder, { password: "correct horse" }),
      await linkOf(owner, folder, { expire_time: later(bench, 1) }),
    ];
    assert.equal(await opens(server, used["link"]), true);
    await bench.ok(revokeShareLink, owner, { id: revoked.id });
    await bench.refused("illegal_transition", revokeShareLink, owner, { id: revoked.id });
    bench.clock.ms += 2 * day;
    const unknown = newSecret("share_link", tenant, guarded.id as never).text;
    const answers = [
      await open(server, unknown),
      await open(server, unknown, "correct horse"),
      await open(server, "cs_share_nonsense"),
      await open(server, "x"),
      await open(server, elsewhere["link"]),
      await open(server, used["link"]),
      await open(server, revoked["link"]),
      await open(server, expired["link"]),
      await open(server, guarded["link"]),
      await open(server, guarded["link"], "wrong horse"),
      await open(server, revoked["link"], "correct horse"),
    ];
    assert.deepEqual(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1, JSON.stringify(answers));
    assert.ok("fault" in (answers[0] ?? {}));
    assert.equal(await opens(server, guarded["link"], "correct horse"), true);
    const states = (await bench.ok(listShareLinks, owner, {})).items.map((item) => item.state);
    assert.deepEqual(states.toSorted(), ["expired", "live", "revoked", "used_up"]);
    assert.deepEqual(
      (await bench.ok(listShareLinks, owner, { filter: 'state = "revoked"' })).items.map(({ id }) => id),
      [revoked.id],
    );
  });

  test("a link takes as long to be refused for its password as one that never was", async () => {
    const { tenant, owner, server, folder } = await stage();
    const guarded = await linkOf(owner, folder, { password: "correct horse" });
    const unknown = newSecret("share_link", tenant, guarded.id as never).text;
    const timed = async (link: unknown): Promise<number> => {
      const began = performance.now();
      await open(server, link, "wrong horse");
      return performance.now() - began;
    };
    const median = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
    const rounds: { known: number; unknown: number }[] = [];
    for (let round = 0; round < wrong_passwords_max - 1; round += 1)
      rounds.push({ known: await timed(guarded["link"]), unknown: await timed(unknown) });
    const known = median(rounds.map((round) => round.known));
    const never = median(rounds.map((round) => round.unknown));
    // Without the decoy it would be a tenth.
    assert.ok(never > known / 3 && never < known * 3, `${known} ms and ${never} ms`);
  });
});

describe("the password", () => {
  test("so many wrong ones in a row lock the link, until its creator renews it under another text", async () => {
    const { owner, server, folder, tenant } = await stage();
    const made = await linkOf(owner, folder, { password: "correct horse" });
    const guess = async (times: number) => {
      for (let n = 0; n < times; n += 1) assert.equal(await opens(server, made["link"], `wrong ${n}`), false);
    };
    await guess(wrong_passwords_max - 1);
    assert.equal(await opens(server, made["link"], "correct horse"), true, "a right one forgives");
    await guess(wrong_passwords_max);
    assert.equal(await opens(server, made["link"], "correct horse"), false);
    assert.equal((await bench.ok(getShareLink, owner, { id: made.id })).state, "locked");
    const another = await bench.ownerOf(tenant);
    await bench.refused("not_admissible", renewShareLink, another, { id: made.id });
    const renewed = await bench.ok(renewShareLink, owner, { id: made.id });
    assert.equal(renewed.state, "live");
    assert.notEqual(renewed["link"], made["link"]);
    assert.equal(await opens(server, made["link"], "correct horse"), false, "the old text opens nothing");
    assert.equal(await opens(server, renewed["link"], "correct horse"), true);
    const again = await bench.ok(renewShareLink, owner, { id: made.id, password: "another horse" });
    assert.equal(await opens(server, again["link"], "correct horse"), false);
    assert.equal(await opens(server, again["link"], "another horse"), true);
    await bench.ok(revokeShareLink, owner, { id: made.id });
    await bench.refused("illegal_transition", renewShareLink, owner, { id: made.id });
  });

  test("guesses at once are no way past the lock", async () => {
    const { owner, server, folder } = await stage();
    const made = await linkOf(owner, folder, { password: "correct horse" });
    const answers = await Promise.all(
      Array.from({ length: 80 }, (_, nth) => open(server, made["link"], `wrong horse ${nth}`)),
    );
    const ends = tally(answers);
    assert.ok((ends["rate_limited"] ?? 0) >= 30, JSON.stringify(ends));
    assert.equal(ends["ok"], undefined);
    assert.equal((await bench.ok(getShareLink, owner, { id: made.id })).state, "locked");
    const { tenant } = owner;
    const guesses = (await bench.audit(tenant)).filter(({ action }) => action === "share-links.open");
    assert.ok(guesses.length <= 50, `${guesses.length} guesses are in the log`);
  });

  test("links that there are not cost a caller its tries, and no link that there is", async () => {
    const { owner, server, folder, tenant } = await stage();
    const made = await linkOf(owner, folder, { password: "correct horse" });
    const { limits } = bench.engine;
    while ((await limits.take("share-link.caller", server.principal.id)) === undefined);
    const unknown = newSecret("share_link", tenant, made.id as never).text;
    await bench.refused("rate_limited", openShareLink, server, { link: unknown, password: "x" });
    assert.equal(await opens(server, made["link"], "correct horse"), true);
  });
});

describe("it lends what its creator holds now, and no more", () => {
  const sharing = ["share-links:create", "documents:read"];

  test("nobody lends more than they hold, or more than their token carries", async () => {
    const { tenant, folder } = await stage();
    const clerk = await callerHolding(bench, tenant, sharing);
    const input = { parent: ref(folder), display_name: "A link", expire_time: later(bench, 1) };
    await bench.refused("permission_denied", createShareLink, clerk, { ...input, level: "editor" });
    await bench.ok(createShareLink, clerk, { ...input, level: "viewer" });
    const narrow = scopedTo(bench, clerk, "share-links:create");
    await bench.refused("permission_denied", createShareLink, narrow, { ...input, level: "viewer" });
    const below = await callerHolding(bench, tenant, sharing, { ref: ref(folder), propagation: "self" });
    await bench.refused("permission_denied", createShareLink, below, { ...input, level: "viewer" });
  });

  test("what needs a human of record or an approval is not to be lent, nor opened once the model asks for it", async () => {
    const shipped = await readFile(new URL("../../models/default.yaml", import.meta.url), "utf8");
    const governed = shipped.replace("governance:\n", "governance:\n  documents:update: { class: human }\n");
    const strict = await openWorkbench({ model: governed });
    try {
      const tenant = await strict.tenant();
      const owner = await strict.ownerOf(tenant);
      const folder = ref(await strict.node(tenant, "documents"));
      const input = { parent: folder, display_name: "A link", expire_time: later(strict, 1) };
      const refused = await strict.refused("not_admissible", createShareLink, owner, { ...input, level: "editor" });
      assert.match(refused.detail, /`documents:update`, which needs a human of record or an approval/);
      const made = await strict.ok(createShareLink, owner, { ...input, level: "viewer" });
      await strict.sql(tenant, "test.level", "update share_links set level = 'editor' where id = $1", [made.id]);
      const opened = await strict.ok(openShareLink, owner, { link: made["link"] });
      assert.deepEqual(opened["permissions"], ["documents:create", "documents:read"]);
    } finally {
      await strict.close();
    }
  });

  test("a creator who loses a part lends the rest; who may not share, is suspended or has nothing left lends nothing", async () => {
    const { tenant, owner, server, folder } = await stage();
    const clerk = await callerHolding(bench, tenant, sharing);
    const more = await callerHolding(bench, tenant, ["documents:update", "documents:create"]);
    const roleOf = async (caller: Caller) =>
      (await bench.ok(listRoleAssignments, owner, { filter: `principal = "${refOf(caller)}"` })).items[0];
    const extra = await bench.sql(
      tenant,
      "test.lend",
      `insert into role_assignments (tenant_id, principal_id, node_id, id, principal_kind, role_name, role_id, propagation, revision, create_time, update_time)
       select tenant_id, $2, node_id, gen_random_uuid(), principal_kind, role_name, role_id, propagation, 1, now(), now()
         from role_assignments where principal_id = $1 returning id`,
      [more.principal.id, clerk.principal.id],
    );
    const link = await linkOf(clerk, folder, { level: "editor" });
    const lent = async () => {
      const answer = await open(server, link["link"]);
      return "fault" in answer ? answer.fault : (answer.body as { permissions: readonly string[] }).permissions;
    };
    assert.deepEqual(await lent(), ["documents:create", "documents:read", "documents:update"]);
    await bench.ok(revokeRoleAssignment, owner, { id: (extra[0] as { id: string }).id });
    assert.deepEqual(await lent(), ["documents:read"]);
    await suspendPrincipal(bench, tenant, clerk.principal);
    assert.equal(await lent(), "not_found");
    await bench.sql(tenant, "test.enable", "update service_accounts set state = 'active' where id = $1", [
      clerk.principal.id,
    ]);
    assert.deepEqual(await lent(), ["documents:read"]);
    const reading = await callerHolding(bench, tenant, ["documents:read"]);
    const [role] = [await roleOf(reading), await roleOf(clerk)];
    await bench.sql(
      tenant,
      "test.swap",
      "update role_assignments set role_id = (select role_id from role_assignments where id = $1) where principal_id = $2",
      [role?.id, clerk.principal.id],
    );
    assert.equal(await lent(), "not_found", "who may not share any more lends nothing");
  });

  test("the resource asleep, moved out of its creator's reach, or gone: nothing is opened; awake again it is", async () => {
    const { tenant, server, folder, owner } = await stage();
    const [client, other] = [await bench.node(tenant, "client"), await bench.node(tenant, "client")];
    const clerk = await callerHolding(bench, tenant, sharing, { ref: formatRef("clients", client) });
    const document = await bench.node(tenant, "documents", client);
    const link = await linkOf(clerk, document);
    assert.equal(await opens(server, link["link"]), true);
    await setState(tenant, client, "suspended");
    assert.equal(await opens(server, link["link"]), false);
    await setState(tenant, client, "active");
    assert.equal(await opens(server, link["link"]), true);
    const move = "update nodes set parent_id = $2, ancestors = array[id, $2::uuid, tenant_id] where id = $1";
    await bench.sql(tenant, "test.move", move, [document, other]);
    assert.equal(await opens(server, link["link"]), false);
    await bench.sql(tenant, "test.move", move, [document, client]);
    assert.equal(await opens(server, link["link"]), true);
    await setState(tenant, document, "deleted");
    assert.equal(await opens(server, link["link"]), false);
    await bench.refused("not_found", getShareLink, owner, { id: link.id });
    assert.ok(folder);
  });

  test("the model in force says what a level gives: one it has no more opens nothing", async () => {
    const { tenant, owner, server, folder } = await stage();
    const link = await linkOf(owner, folder);
    await bench.sql(tenant, "test.level", "update share_links set level = 'emperor' where id = $1", [link.id]);
    assert.equal(await opens(server, link["link"]), false);
  });
});

test("who opens links needs the permission where they lead, and no other; a wider one is not asked for", async () => {
  const { tenant, owner, folder } = await stage();
  const [client, other] = [await bench.node(tenant, "client"), await bench.node(tenant, "client")];
  const server = await callerHolding(bench, tenant, ["share-links:open"], { ref: formatRef("clients", client) });
  const [inside, outside] = [
    await linkOf(owner, await bench.node(tenant, "documents", client)),
    await linkOf(owner, await bench.node(tenant, "documents", other)),
  ];
  assert.equal(await opens(server, inside["link"]), true);
  await bench.refused("permission_denied", openShareLink, server, { link: outside["link"] });
  const nobody = await bench.callerWith(tenant, "member");
  await bench.refused("permission_denied", openShareLink, nobody, { link: (await linkOf(owner, folder))["link"] });
});

test("invariant 3: of any number of openings at once, as many succeed as the link had uses", async () => {
  const { owner, server, folder } = await stage();
  const made = await linkOf(owner, folder, { uses_max: 10 });
  const answers = await Promise.all(Array.from({ length: 40 }, () => open(server, made["link"])));
  assert.deepEqual(tally(answers), { ok: 10, not_found: 30 });
});

test("another tenant's link, and one of a perimeter one has no say in, answer as they must", async () => {
  const [mine, theirs] = [await stage(), await stage()];
  const made = await linkOf(theirs.owner, theirs.folder);
  for (const operation of [getShareLink, revokeShareLink, renewShareLink])
    await bench.refused("not_found", operation, mine.owner, { id: made.id });
  assert.deepEqual((await bench.ok(listShareLinks, mine.owner, {})).items, []);
  await bench.refused("not_found", listShareLinks, mine.owner, { parent: ref(theirs.folder) });
  const clerk = await callerHolding(bench, theirs.tenant, ["documents:read"]);
  await bench.refused("permission_denied", getShareLink, clerk, { id: made.id });
  await bench.refused("etag_mismatch", revokeShareLink, theirs.owner, { id: made.id }, { ifMatch: "r9" });
});
