/** Ends a share link for good. When the answer is sent, it opens nothing any more. */
import { fault, isFault } from "../../../core/faults.ts";
import { expectRevision, overtaken } from "../../operations/etag.ts";
import { operation } from "../../operations/operation.ts";
import { revokeInput } from "../bindings.ts";
import { atLink, knownLink } from "./find.ts";
import { linkOutput, render, told } from "./model.ts";
import { revokeLink } from "./store.ts";

export const revokeShareLink = operation({
  name: "share-links.revoke",
  summary: "Revoke a share link",
  kind: "change",
  method: "POST",
  path: "/v1/share-links/{id}:revoke",
  status: 200,
  input: revokeInput,
  output: linkOutput,
  permission: "share-links:revoke",
  scope: "tenant",
  target: atLink,
  impact: ({ id: link }) => [{ link }],
  event: (link, { reason }) => ({
    type: "share-link.revoked",
    subject: link.resource,
    data: { ...told(link), reason: reason ?? null },
  }),
  run: async (tx, input, { model, now, ifMatch }) => {
    const link = await knownLink(tx, input.id);
    if (isFault(link)) return link;
    if (link.revokeTime !== null) return fault("illegal_transition", "the link is revoked already");
    const expected = expectRevision(ifMatch, link.revision, "optional");
    if (isFault(expected)) return expected;
    if (!(await revokeLink(tx, link.id, expected.revision, new Date(now)))) return overtaken();
    const after = await knownLink(tx, input.id);
    return isFault(after) ? after : render(model, after, now);
  },
});
