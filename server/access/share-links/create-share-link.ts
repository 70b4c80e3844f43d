/**
 * Makes a link that lends a level on a resource to whoever has it. Never more than its creator holds there and their token carries
 * (invariant 8), and never for ever. Its text is shown once; what is kept is its hash (invariant 5).
 */
import Type from "typebox";
import { fault, isFault } from "../../../core/faults.ts";
import { displayName, strict, time } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atParent } from "../../operations/targets.ts";
import { newId } from "../../platform/random.ts";
import { expiry } from "../bindings.ts";
import { sharedAt } from "../levels.ts";
import { level } from "../resource-grants/model.ts";
import { cannotLend } from "./lend.ts";
import { hashGiven, newLinkText } from "./lock.ts";
import {
  newLinkOutput,
  newPassword,
  parent,
  render,
  share_link_ttl_days_max,
  type ShareLink,
  told,
  usesMax,
} from "./model.ts";
import { insertLink } from "./store.ts";

const dayMs = 24 * 3600 * 1000;

export const createShareLink = operation({
  name: "share-links.create",
  summary: "Make a link that lends a level on a resource to whoever has it",
  kind: "change",
  method: "POST",
  path: "/v1/share-links",
  status: 201,
  input: strict({
    parent,
    level,
    display_name: displayName,
    expire_time: time,
    password: Type.Optional(newPassword),
    uses_max: Type.Optional(usesMax),
  }),
  output: newLinkOutput,
  permission: "share-links:create",
  scope: "tenant",
  secrets: ["link"],
  before: (input, context) => hashGiven(input.password, context),
  target: atParent,
  impact: (_, made) => (made === undefined ? [] : [{ link: made.id }]),
  event: (link) => ({ type: "share-link.created", subject: link.resource, data: told(link) }),
  run: async (tx, input, context) => {
    const { model, now, caller, before } = context;
    const shared = await sharedAt(tx, model, input.parent, input.level);
    if (isFault(shared)) return shared;
    const { node } = shared;
    const refused = await cannotLend(tx, node.id, shared.level, context);
    if (refused !== undefined) return refused;
    if (node.state !== "active") return fault("not_admissible", `\`${input.parent}\` is ${node.state}`);
    const expires = expiry(input.expire_time, now);
    if (isFault(expires)) return expires;
    if (expires.getTime() > now + share_link_ttl_days_max * dayMs)
      return fault("not_admissible", `\`expire_time\` is more than ${share_link_ttl_days_max} days away`);

    const id = newId<ShareLink["id"]>();
    const secret = newLinkText(tx.tenant, id);
    const link: ShareLink = {
      id,
      node: { id: node.id, type: node.type },
      level: shared.level.name,
      displayName: input.display_name,
      keyId: secret.keyId,
      hasPassword: before.passwordHash !== undefined,
      creator: caller.principal,
      usesMax: input.uses_max ?? null,
      uses: 0,
      failures: 0,
      createTime: new Date(now),
      expireTime: expires,
      revokeTime: null,
      lastUseTime: null,
      revision: 1,
    };
    await insertLink(tx, link, { hash: secret.hash, passwordHash: before.passwordHash ?? null });
    return { ...render(model, link, now), link: secret.text };
  },
});
