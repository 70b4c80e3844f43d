/**
 * Bindings: what resource grants and role assignments have in common. A principal or a group has something at a node, until some time where
 * one is said, while a condition is true where there is one.
 *
 * A binding is made and revoked, never altered: another end or another condition is another binding.
 */
import Type from "typebox";
import { type Fault, fault, isFault, type Result } from "../../core/faults.ts";
import type { NodeId } from "../../core/ids.ts";
import { type Beneficiary, knownBeneficiary, touchBeneficiary } from "../authority/beneficiaries.ts";
import { etagOf } from "../operations/etag.ts";
import { etag, id, ref, strict, time } from "../operations/fields.ts";
import { noSuch } from "../operations/targets.ts";
import type { Tx } from "../platform/database/database.ts";
import { deleteAtRevision } from "./at-node-store.ts";
import { checkCondition, condition, conditionOutput } from "./condition.ts";

export type Binding = {
  readonly node: { readonly id: NodeId; readonly type: string };
  readonly principal: Beneficiary;
  /** CEL; null holds always. */
  readonly condition: string | null;
  /** Null never expires. */
  readonly expireTime: Date | null;
  readonly revision: number;
  readonly createTime: Date;
  readonly updateTime: Date;
};

/** Where bindings are stored. */
export type BindingTable = "role_assignments" | "resource_grants";

export const principal = ref("users/{uuid}, service-accounts/{uuid} or groups/{uuid}");

/** How far it goes, as it is asked for. */
export const termsInput = { expire_time: Type.Optional(time), condition: Type.Optional(condition) } as const;

/** How far it goes and how recent it is: the end of every answer. */
export const termsOutput = {
  condition: conditionOutput,
  expire_time: Type.Union([time, Type.Null()], { description: "null where it does not expire" }),
  etag,
  create_time: time,
  update_time: time,
} as const;

export const renderTerms = (one: Binding) => ({
  condition: one.condition,
  expire_time: one.expireTime?.toISOString() ?? null,
  etag: etagOf(one.revision),
  create_time: one.createTime.toISOString(),
  update_time: one.updateTime.toISOString(),
});

/** What somebody gave as the end of something must be to come. */
export const expiry = (text: string, now: number): Result<Date> => {
  const expires = new Date(text);
  return expires.getTime() <= now ? fault("not_admissible", "`expire_time` has passed") : expires;
};

type Asked = { readonly principal: string; readonly expire_time?: string; readonly condition?: string };

/** A binding to be at the node: a fault where there is no such principal, the condition is none, or it would be over already. */
export const newBinding = async (
  tx: Tx,
  node: Binding["node"],
  asked: Asked,
  now: number,
): Promise<Result<Binding>> => {
  const whose = await knownBeneficiary(tx, asked.principal);
  if (isFault(whose)) return whose;
  const malformed = checkCondition(asked.condition);
  if (malformed !== undefined) return malformed;
  const expireTime = asked.expire_time === undefined ? null : expiry(asked.expire_time, now);
  if (expireTime !== null && isFault(expireTime)) return expireTime;
  const at = new Date(now);
  return {
    node: { id: node.id, type: node.type },
    principal: whose,
    condition: asked.condition ?? null,
    expireTime,
    revision: 1,
    createTime: at,
    updateTime: at,
  };
};

/** Of a share link's revocation too. */
export const revokeInput = strict({
  id,
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: "for those who hear of it" })),
});

/** Ends it if it is still at `revision`. When the answer is sent, nobody says yes because of it any more (invariant 7). */
export const endBinding = async (
  tx: Tx,
  table: BindingTable,
  { id: ending, principal: whose }: Binding & { readonly id: string },
  revision: number,
  named: string,
): Promise<Fault | undefined> => {
  if (!(await deleteAtRevision(tx, table, ending, revision))) return noSuch(named);
  await touchBeneficiary(tx, whose);
  return undefined;
};
