// What a change would do to share links: whoever has one gains and loses with its creator, and that is what the link opens before and after.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { formatRef } from "../../core/ids.ts";
import { moveResource } from "../../server/access/resources/move-resource.ts";
import { revokeRoleAssignment } from "../../server/access/role-assignments/revoke-role-assignment.ts";
import { createShareLink } from "../../server/access/share-links/create-share-link.ts";
import { openShareLink } from "../../server/access/share-links/open-share-link.ts";
import { renewShareLink } from "../../server/access/share-links/renew-share-link.ts";
import { revokeShareLink } from "../../server/access/share-links/revoke-share-link.ts";
import { deleteMembership } from "../../server/principals/memberships/delete-membership.ts";
import { resumeUser, suspendUser } from "../../server/principals/users/suspend-user.ts";
import { openWorkbench } from "../support/engine.ts";
import { openDecisionPoint } from "./deciding.ts";
import {
  ada,
  flat,
  linkInput,
  onlyForeseen,
  onlyOne,
  openWorld,
  perimeter,
  proven,
  shared,
  type World,
} from "./foreseeing.ts";

const bench = await openWorkbench();
const point = await openDecisionPoint(bench);
after(async () => {
  point.close();
  await bench.close();
});

/** What whoever has the link may do at the folder, in the words of `flat`. */
const whatItOpens = ({ folder }: World, link: string): readonly string[] => [
  `${link} ${formatRef("documents", folder)} documents:read`,
];
const ofLinks = (told: readonly string[]): readonly string[] => told.filter((one) => one.startsWith("share-links/"));

test("a link that is made: whoever has it gains what it will open, and its text is in no prediction", async () => {
  const world = await openWorld(bench, point);
  const { result, access } = await onlyForeseen(world, createShareLink, linkInput(world));
  assert.equal(result["link"], undefined);
  assert.deepEqual(flat(access.gains, world), whatItOpens(world, result.resource));
  assert.deepEqual([access.loses, access.counts], [[], { gains: 1, loses: 0 }]);
  const made = await bench.ok(createShareLink, world.owner, linkInput(world));
  assert.notEqual(made.resource, result.resource);
  const opened = await bench.ok(openShareLink, world.owner, { link: made["link"] });
  const { resource, permissions } = opened as typeof opened & { readonly permissions: readonly string[] };
  const told = permissions.map((one) => `${String(opened["share_link"])} ${resource} ${one}`);
  assert.deepEqual(told, whatItOpens(world, made.resource));
});

test("a link that is revoked: whoever has it loses what it opens, and nobody loses anything by one that opens nothing", async () => {
  const world = await openWorld(bench, point);
  const { link } = await shared(world);
  const { loses } = await proven(world, revokeShareLink, { id: link.id });
  assert.deepEqual(flat(loses, world), whatItOpens(world, link.resource));

  const used = await bench.ok(createShareLink, await ada(world), { ...linkInput(world), uses_max: 1 });
  await bench.ok(openShareLink, world.owner, { link: used["link"] });
  const dead = await proven(world, revokeShareLink, { id: used.id });
  assert.deepEqual([dead.gains, dead.loses], [[], []]);
});

test("a creator who loses the role, is suspended, or leaves takes their links along", async () => {
  const world = await openWorld(bench, point);
  const { link, assignment } = await shared(world);
  const gone = whatItOpens(world, link.resource);
  const suspended = await proven(world, suspendUser, { id: world.user.id });
  assert.deepEqual(ofLinks(flat(suspended.loses, world)), gone);
  const resumed = await proven(world, resumeUser, { id: world.user.id });
  assert.deepEqual(ofLinks(flat(resumed.gains, world)), gone);

  const membership = await onlyOne(world, "memberships", "user_id", world.user.id);
  const leaving = await onlyForeseen(world, deleteMembership, { id: membership });
  assert.deepEqual(ofLinks(flat(leaving.access.loses, world)), gone);
  const revoked = await proven(world, revokeRoleAssignment, { id: assignment.id });
  assert.deepEqual(ofLinks(flat(revoked.loses, world)), gone);
  const left = await proven(world, deleteMembership, { id: membership });
  assert.deepEqual(ofLinks(flat(left.loses, world)), [], "it opened nothing any more");
});

test("the last membership of who made a link ends it", async () => {
  const world = await openWorld(bench, point);
  const { link } = await shared(world);
  const id = await onlyOne(world, "memberships", "user_id", world.user.id);
  const { loses } = await proven(world, deleteMembership, { id });
  assert.deepEqual(ofLinks(flat(loses, world)), whatItOpens(world, link.resource));
});

test("a place that is suspended or a folder that is moved: links are as their creators are there", async () => {
  const world = await openWorld(bench, point);
  const { link } = await shared(world);
  const gone = whatItOpens(world, link.resource);
  const asleep = await proven(world, perimeter(world, "clients.suspend"), { id: world.client });
  assert.deepEqual(ofLinks(flat(asleep.loses, world)), gone);
  const awake = await proven(world, perimeter(world, "clients.resume"), { id: world.client });
  assert.deepEqual(ofLinks(flat(awake.gains, world)), gone);
  const elsewhere = { id: world.folder, parent: formatRef("clients", world.other) };
  assert.deepEqual(ofLinks(flat((await proven(world, moveResource, elsewhere)).loses, world)), gone);
});

test("it can't be said of a renewal who it would be for, nor of an opening", async () => {
  const world = await openWorld(bench, point);
  const { link } = await shared(world);
  const refused = (...[operation, input]: readonly [typeof renewShareLink, object]) =>
    bench.refused("invalid_argument", operation, world.owner, input, { validateOnly: true });
  await refused(renewShareLink, { id: link.id });
  await refused(openShareLink, { link: link["link"] });
});
