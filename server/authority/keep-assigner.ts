/**
 * A tenant's own people must not leave it without anybody who can assign roles: nobody inside could ever give authority again. Whatever may
 * take that away (an assignment, a role, a group, a membership, a user, a service account) is done inside `keepingAssigner`, which looks
 * before and after, and takes the change back where it was the last.
 *
 * Counted is who can use it: an active principal, who signs in where it is a human, whose role at the root of the tenant gives the permission
 * without a condition, and whose tokens may carry it. Who can for a time alone does not take the place of who can for good: the time would do
 * what no operation may.
 *
 * Who stands above the tenant can always appoint another, and is not asked.
 */
import { type Fault, fault, isFault, type Result } from "../../core/faults.ts";
import { type GroupId, hostTenant, type PrincipalId, rootNode } from "../../core/ids.ts";
import type { Model, Permission } from "../../core/model/model.ts";
import { contains, expand } from "../../core/model/permissions.ts";
import type { Tx } from "../platform/database/database.ts";
import {
  assignedAtRoot,
  type AtRoot,
  goBackKeeping,
  holdAssigners,
  markKeeping,
  principalsAmong,
  scopesOf,
  whoSignsIn,
} from "./assigners-store.ts";
import type { Beneficiary } from "./beneficiaries.ts";
import type { Caller, Principal } from "./caller.ts";
import { assignmentFact } from "./facts.ts";
import { readManyFactsIn } from "./store.ts";

const assigning = "role-assignments:create";

/** In whose hands a tenant is: somebody's for good, somebody's until a time, nobody's. */
type Hands = "for good" | "for a time" | "none";
const worth: Readonly<Record<Hands, number>> = { "for good": 2, "for a time": 1, none: 0 };

const lost = (after: Hands): Fault =>
  fault(
    "illegal_transition",
    after === "none"
      ? `nobody active would be left whose role at the root gives \`${assigning}\`; assign such a role to somebody else first`
      : `only such as can for a time would be left whose role at the root gives \`${assigning}\`; assign such a role to somebody else first, without \`expire_time\``,
  );

type Asking = { readonly model: Model; readonly now: number };

/** For operations: by the tenant's own callers; who stands above it is let do what they do. */
export const keepingAssignerFrom = <T>(
  tx: Tx,
  { caller, ...asking }: Asking & { readonly caller: Pick<Caller, "tenant"> },
  change: () => Promise<Result<T>>,
): Promise<Result<T>> => (caller.tenant === tx.tenant ? keepingAssigner(tx, asking, change) : change());

/**
 * Runs the change, and answers what it answers; or takes it back and answers `refusal`. Others in the tenant who may take it from somebody
 * wait for each other, so that of two who take each other's away at once the second sees what the first has left.
 */
export const keepingAssigner = async <T>(
  tx: Tx,
  { model, now }: Asking,
  change: () => Promise<Result<T>>,
  refusal: (after: Hands) => Fault = lost,
): Promise<Result<T>> => {
  const permission = model.vocabulary.get(assigning);
  await holdAssigners(tx);
  const before = permission === undefined ? "none" : await handsOf(tx, model, permission, now);
  if (permission === undefined || before === "none") return change();
  await markKeeping(tx);
  const done = await change();
  if (isFault(done)) return done;
  const after = await handsOf(tx, model, permission, now);
  if (worth[after] >= worth[before]) return done;
  await goBackKeeping(tx);
  return refusal(after);
};

const handsOf = async (tx: Tx, model: Model, permission: Permission, now: number): Promise<Hands> => {
  const giving = (await assignedAtRoot(tx)).filter(({ stored }) => {
    const { permissions, expiresAt } = assignmentFact(model, stored);
    return contains(permissions, permission) && (expiresAt === null || expiresAt > now);
  });
  const forGood = giving.filter(({ stored: [, , , , , , , expires] }) => expires === null);
  if (await anyActs(tx, model, permission, forGood)) return "for good";
  const forATime = giving.filter((one) => !forGood.includes(one));
  return (await anyActs(tx, model, permission, forATime)) ? "for a time" : "none";
};

/** Principals looked at in one statement. */
const asked_at_once_max = 100;

const anyActs = async (tx: Tx, model: Model, permission: Permission, giving: readonly AtRoot[]): Promise<boolean> => {
  const whose = giving.map((one) => one.whose);
  const direct = whose.filter(isPrincipal);
  for (let first = 0; first < direct.length; first += asked_at_once_max)
    if (await anyOf(tx, model, permission, direct.slice(first, first + asked_at_once_max))) return true;
  const groups = whose.filter((one) => !isPrincipal(one)).map((one) => one.id as GroupId);
  if (groups.length === 0) return false;
  let after: PrincipalId | null = null;
  for (;;) {
    const some: readonly Principal[] = await principalsAmong(tx, groups, after, asked_at_once_max);
    if (await anyOf(tx, model, permission, some)) return true;
    const last = some.at(-1);
    if (last === undefined || some.length < asked_at_once_max) return false;
    after = last.id;
  }
};

const isPrincipal = (one: Beneficiary): one is Principal => one.kind !== "group";

/** Whether any of them is there, active, lets itself in, and may have a token that carries the permission. */
const anyOf = async (tx: Tx, model: Model, permission: Permission, some: readonly Principal[]): Promise<boolean> => {
  if (some.length === 0) return false;
  const node = rootNode(tx.tenant);
  const keys = some.map((principal) => ({ principal, bound: tx.tenant, tenant: tx.tenant, node }));
  const facts = await readManyFactsIn(tx, keys);
  const active = some.filter((_, at) => facts[at]?.state === "active");
  const humans = active.filter(({ kind }) => kind === "human").map(({ id }) => id);
  if (humans.length > 0 && (await whoSignsIn(tx, humans)).size > 0) return true;
  if (permission.governance?.class === "human") return false;
  const scopes = await scopesOf(
    tx,
    active.map(({ id }) => id),
  );
  const reach = tx.tenant === hostTenant ? "host" : "tenant";
  return active.some(({ id }) => contains(expand(model, scopes.get(id) ?? [], reach).set, permission));
};
