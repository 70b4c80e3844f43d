/**
 * Opens a link for whoever has it. The resource server asks, by its own token, and acts on the answer: these permissions, on this resource
 * and what is below it. Every answer of yes uses the link once.
 *
 * There is one no. A link that never was, one that has expired, was revoked or is used up, a password that is wrong or missing, a creator
 * who may not share any more, a resource that sleeps: whoever holds the link learns of none of them which it was.
 */
import Type from "typebox";
import { fault, isFault, type Result } from "../../../core/faults.ts";
import { principalRef } from "../../../core/ids.ts";
import { permissionsIn } from "../../../core/model/permissions.ts";
import { ref, strict, time } from "../../operations/fields.ts";
import { type BeforeContext, operation } from "../../operations/operation.ts";
import { nodeRef } from "../../operations/targets.ts";
import type { Tx } from "../../platform/database/database.ts";
import { digestOctets } from "../../tokens/digest.ts";
import { readSecret } from "../../tokens/secret-text.ts";
import { lentNow } from "./lend.ts";
import { givenPassword, linkRef, linkText } from "./model.ts";
import { countWrong, findByText, type OpenedLink, useLink } from "./store.ts";

const opensNothing = fault(
  "not_found",
  "the link opens nothing: there is none like it, or it has ended, or it takes another password",
);

/** SHA-256 of a link's text; undefined for what can be none. */
const hashOf = (text: string): Buffer | undefined => {
  const read = readSecret(text, ["share_link"]);
  return read && digestOctets(read.digest);
};

const known = async (tx: Tx, text: string): Promise<(OpenedLink & { readonly hash: Buffer }) | undefined> => {
  const hash = hashOf(text);
  const link = hash && (await findByText(tx, hash));
  return hash && link && { ...link, hash };
};

/** The stored hash that the password matched; null where the link had no password. What is stored when the link is used must be this. */
type Compared = { readonly matched: string | null } | { readonly matched: undefined };

/**
 * Compares the password outside of the transaction. Guesses at one link are counted before they are looked at, and so are links that there
 * are not: those cost a decoy's work.
 */
const compare = async (
  { link: text, password }: { readonly link: string; readonly password?: string },
  { caller, tenant, database, limits, hashing }: BeforeContext,
): Promise<Result<Compared>> => {
  const link = await database.transaction(tenant, (tx) => known(tx, text));
  if (password === undefined) return { matched: link?.passwordHash === null ? null : undefined };
  const counted = link === undefined ? caller.principal.id : link.id;
  const limit = link === undefined ? "share-link.caller" : "share-link.link";
  const refused = await limits.take(limit, counted);
  if (refused !== undefined) return refused;
  const stored = link?.passwordHash ?? null;
  const compared = await hashing.verify(stored, password);
  if (isFault(compared)) return compared;
  // A link without a password opens with any: there is nothing it could be wrong about.
  if (link !== undefined && (compared.matches || stored === null)) {
    await limits.giveBack(limit, counted);
    return { matched: stored };
  }
  return { matched: undefined };
};

export const openShareLink = operation({
  name: "share-links.open",
  summary: "Open a share link for whoever has it, using it once",
  kind: "change",
  method: "POST",
  path: "/v1/share-links:open",
  status: 200,
  input: strict({ link: linkText, password: Type.Optional(givenPassword) }),
  output: strict({
    resource: ref("what it opens: {type}/{uuid}"),
    level: Type.String(),
    permissions: Type.Array(Type.String(), {
      description: "what may be done there and below: the level's, as far as the link's creator has them now",
    }),
    expire_time: time,
    uses_left: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], { description: "null where there is no end" }),
    share_link: ref("share-links/{uuid}"),
    creator: ref("whose rights it lends: users/{uuid} or service-accounts/{uuid}"),
  }),
  permission: "share-links:open",
  scope: "tenant",
  before: compare,
  target: async (tx, input) => {
    const link = await known(tx, input.link);
    return link === undefined ? opensNothing : { node: link.place, ref: linkRef(link.id) };
  },
  event: (opened) => ({
    type: "share-link.opened",
    subject: opened.share_link,
    data: { parent: opened.resource, level: opened.level, creator: opened.creator, uses_left: opened.uses_left },
  }),
  run: async (tx, input, { model, now, before: { matched } }) => {
    const link = await known(tx, input.link);
    if (link === undefined) return opensNothing;
    const at = new Date(now);
    if (matched === undefined) {
      if (input.password !== undefined) await countWrong(tx, { ...link, now: at });
      return opensNothing;
    }
    const level = model.resources.get(link.type)?.levels.get(link.level);
    const lent = level === undefined ? [] : permissionsIn(model, await lentNow(tx, model, { ...link, level }, now));
    if (lent.length === 0) return opensNothing;
    const used = await useLink(tx, { ...link, passwordHash: matched, now: at });
    if (used === undefined) return opensNothing;
    return {
      resource: nodeRef(model, { type: link.type, id: link.node }),
      level: link.level,
      permissions: [...lent],
      expire_time: used.expireTime.toISOString(),
      uses_left: used.usesMax === null ? null : used.usesMax - used.uses,
      share_link: linkRef(link.id),
      creator: principalRef(link.creator.kind, link.creator.id),
    };
  },
});
