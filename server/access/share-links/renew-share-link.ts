/**
 * Gives a link a new text, and forgets the wrong passwords: the old text opens nothing from then on, since whoever guessed had it. Only the
 * creator can: it is their rights that are lent, and so theirs to say that they still are.
 */
import Type from "typebox";
import { fault, isFault } from "../../../core/faults.ts";
import { expectRevision, overtaken } from "../../operations/etag.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { nodeRef } from "../../operations/targets.ts";
import { sharedAt } from "../levels.ts";
import { atLink, knownLink } from "./find.ts";
import { cannotLend } from "./lend.ts";
import { hashGiven, newLinkText } from "./lock.ts";
import { linkRef, newLinkOutput, newPassword, render, stateOf, told } from "./model.ts";
import { renewLink } from "./store.ts";

export const renewShareLink = operation({
  name: "share-links.renew",
  summary: "Give a share link a new text; the old one opens nothing any more",
  kind: "change",
  method: "POST",
  path: "/v1/share-links/{id}:renew",
  status: 200,
  input: strict({ id, password: Type.Optional(newPassword) }),
  output: newLinkOutput,
  permission: "share-links:create",
  scope: "tenant",
  secrets: ["link"],
  before: (input, context) => hashGiven(input.password, context),
  target: atLink,
  event: (link) => ({ type: "share-link.renewed", subject: link.resource, data: told(link) }),
  run: async (tx, input, context) => {
    const { model, now, caller, before, ifMatch } = context;
    const link = await knownLink(tx, input.id);
    if (isFault(link)) return link;
    if (link.creator.kind !== caller.principal.kind || link.creator.id !== caller.principal.id)
      return fault("not_admissible", `\`${linkRef(link.id)}\` lends another's rights; only its creator can renew it`);
    const state = stateOf(link, now);
    if (state !== "live" && state !== "locked")
      return fault("illegal_transition", `the link is ${state}; make another`);
    const shared = await sharedAt(tx, model, nodeRef(model, link.node), link.level);
    if (isFault(shared)) return shared;
    const refused = await cannotLend(tx, link.node.id, shared.level, context);
    if (refused !== undefined) return refused;
    const expected = expectRevision(ifMatch, link.revision, "optional");
    if (isFault(expected)) return expected;

    const secret = newLinkText(tx.tenant, link.id);
    const locks = { hash: secret.hash, keyId: secret.keyId, passwordHash: before.passwordHash, now: new Date(now) };
    if (!(await renewLink(tx, link.id, expected.revision, locks))) return overtaken();
    const after = await knownLink(tx, input.id);
    return isFault(after) ? after : { ...render(model, after, now), link: secret.text };
  },
});
