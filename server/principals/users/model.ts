/**
 * Users: humans, whose identity a tenant manages. They have their own table, API and lifecycle; belonging to a perimeter is a membership.
 *
 *     active ⇄ suspended
 */
import Type from "typebox";
import { fault, type Result } from "../../../core/faults.ts";
import { formatRef, type NodeId, type PrincipalId, principalCollections, type TenantId } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import { etagOf } from "../../operations/etag.ts";
import { displayName, email, etag, id, ref, strict, time } from "../../operations/fields.ts";
import { nodeRef } from "../../operations/targets.ts";

export type UserState = "active" | "suspended";

export type User = {
  /** The home: who manages the identity. */
  readonly tenant: TenantId;
  readonly id: PrincipalId;
  /** The perimeter whose administrators manage the user. */
  readonly node: { readonly id: NodeId; readonly type: string };
  readonly email: string;
  readonly displayName: string;
  readonly state: UserState;
  /** Whether the human is let in at all. One who is not has no session and no token; what they may do is decided as for anybody. */
  readonly signsIn: boolean;
  /** `platform`, or the name of the provider that keeps the identity. */
  readonly identitySource: string;
  readonly revision: number;
  readonly createTime: Date;
  readonly updateTime: Date;
};

export const collection = principalCollections.human;

/** The identity source of users registered here, as against those a provider asserts. */
export const platformIdentity = "platform";

const transitions = { suspend: { active: "suspended" }, resume: { suspended: "active" } } as const satisfies Record<
  string,
  Partial<Record<UserState, UserState>>
>;

/** The state the verb leads to from this one; a fault where it leads nowhere. */
export const stateAfter = (verb: keyof typeof transitions, state: UserState): Result<{ readonly state: UserState }> => {
  const next = (transitions[verb] as Partial<Record<UserState, UserState>>)[state];
  return next === undefined ? fault("illegal_transition", `the user is ${state} already`) : { state: next };
};

export const userOutput = strict({
  id,
  resource: ref("users/{uuid}"),
  parent: ref("the perimeter that manages the user"),
  email,
  display_name: displayName,
  state: Type.Union([Type.Literal("active"), Type.Literal("suspended")]),
  signs_in: Type.Boolean({
    description: "whether the user signs in at all; one who does not has no session and no token",
  }),
  identity_source: Type.String({ description: "`platform`, or the provider that keeps the identity" }),
  etag,
  create_time: time,
  update_time: time,
});

export const render = (model: Model, user: User): Type.Static<typeof userOutput> => ({
  id: user.id,
  resource: formatRef(collection, user.id),
  parent: nodeRef(model, user.node),
  email: user.email,
  display_name: user.displayName,
  state: user.state,
  signs_in: user.signsIn,
  identity_source: user.identitySource,
  etag: etagOf(user.revision),
  create_time: user.createTime.toISOString(),
  update_time: user.updateTime.toISOString(),
});
