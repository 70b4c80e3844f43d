/**
 * The way of an operation, in one direction: validate → find the tenant → one transaction { find the target → decide → run → audit and
 * event } → answer. A denial is recorded in the same transaction that found it.
 */
import { createHmac } from "node:crypto";
import canonicalize from "canonicalize";
import type { Attribution } from "../../core/attribution.ts";
import { decide, rights } from "../../core/decide/decide.ts";
import { explain } from "../../core/decide/explain.ts";
import type { Decision, Facts } from "../../core/decide/types.ts";
import { type Fault, fault, isFault, type Result } from "../../core/faults.ts";
import { formatRef, hostTenant, type NodeId, type TenantId } from "../../core/ids.ts";
import type { Model, PermissionSet } from "../../core/model/model.ts";
import { intersection } from "../../core/model/permissions.ts";
import type { AuditAppender } from "../audit/append.ts";
import type { AuditEntry } from "../audit/model.ts";
import { appendAndNumber } from "../audit/store.ts";
import { attributionOf, type Caller } from "../authority/caller.ts";
import { factsOf } from "../authority/facts.ts";
import { readFactsIn } from "../authority/store.ts";
import { emit } from "../events/store.ts";
import type { Tx } from "../platform/database/database.ts";
import type { Dns } from "../platform/dns.ts";
import type { SecretKey } from "../platform/keys/seal.ts";
import type { Limits } from "../platform/limits/limits.ts";
import type { Platform } from "../platform/platform.ts";
import { newId } from "../platform/random.ts";
import { claimKey, findAnswer, type IdempotencyName, rememberAnswer } from "./idempotency-store.ts";
import type { Hashing, Operation, OperationContext, Target } from "./operation.ts";
import { notFound, type RequestMeta, tenantOf } from "./tenant-of.ts";
import { type Validator, validatorOf } from "./validate.ts";
import { foresee } from "./what-if/foresee.ts";

/** An Idempotency-Key is remembered this long. */
const idempotencyMs = 24 * 3600 * 1000;

export type Engine = {
  readonly platform: Platform;
  readonly model: Model;
  readonly issuer: string;
  readonly audit: AuditAppender;
  readonly pageKey: Buffer;
  readonly sealKey: SecretKey;
  readonly dns: Dns;
  readonly limits: Limits;
  readonly hashing: Hashing;
};

export type { RequestMeta } from "./tenant-of.ts";

export type Answer = {
  readonly status: number;
  readonly body: unknown;
  readonly etag: string | undefined;
  readonly replayed: boolean;
  /** A consistency token (`server/decisions/consistency.ts`) for answers that must know of this change; none of what only reads. */
  readonly consistency?: string;
};

export type PreparedOperation = { readonly operation: Operation; readonly validate: Validator };

/** Compiles the input schema, and refuses an operation whose permission the model does not have. */
export const prepare = (model: Model, operation: Operation): PreparedOperation => {
  if (!model.vocabulary.has(operation.permission))
    throw new Error(`operation ${operation.name} asks for the permission ${operation.permission}, which no model has`);
  return { operation, validate: validatorOf(operation.input) };
};

type Input = Readonly<Record<string, unknown>>;

export const perform = async (
  engine: Engine,
  { operation, validate }: PreparedOperation,
  caller: Caller,
  raw: unknown,
  meta: RequestMeta,
): Promise<Result<Answer>> => {
  const checked = validate(raw);
  if (isFault(checked)) return checked;
  const input = checked.value as Input;
  const tenant = tenantOf(engine.model, operation, caller, input, meta);
  if (isFault(tenant)) {
    await engine.audit.append(refusedElsewhere(engine, operation, caller, meta));
    return tenant;
  }
  if (meta.validateOnly === true && (operation.kind === "read" || operation.impact === undefined))
    return fault("invalid_argument", `what \`${operation.name}\` would do can't be told without doing it`);
  const { database, clock } = engine.platform;
  const { limits, hashing } = engine;
  const about = tenant === "host" ? hostTenant : tenant;
  const before = await operation.before?.(input, {
    caller,
    tenant: about,
    now: clock.now(),
    database,
    limits,
    hashing,
  });
  if (isFault(before)) return before;
  const work = (tx: Tx): Promise<Result<Answer>> => performIn(engine, operation, caller, input, before, meta, tx);
  return undone(() => (tenant === "host" ? database.hostTransaction(work) : database.transaction(tenant, work)));
};

/** An answer that is thrown, so that its transaction is rolled back. */
class Undone extends Error {
  readonly answer: Result<Answer>;
  constructor(answer: Result<Answer>) {
    super("the transaction is rolled back, as was asked");
    this.answer = answer;
  }
}

const undone = async (work: () => Promise<Result<Answer>>): Promise<Result<Answer>> => {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof Undone) return thrown.answer;
    throw thrown;
  }
};

const performIn = async (
  engine: Engine,
  operation: Operation,
  caller: Caller,
  input: Input,
  before: unknown,
  meta: RequestMeta,
  tx: Tx,
): Promise<Result<Answer>> => {
  const { model } = engine;
  const now = engine.platform.clock.now();
  const target = await operation.target(tx, input, { model, caller, now });
  if (isFault(target)) return target;

  const tenant = target.atHost === true ? hostTenant : tx.tenant;
  const facts = await factsAt(tx, model, caller, tenant, target.node);
  if (facts === undefined) return notFound;
  const acr = caller.human?.acr ?? undefined;
  const question = {
    permission: operation.permission,
    at: now,
    ...(caller.scopes === undefined ? {} : { scopes: caller.scopes }),
    ...(acr === undefined ? {} : { acr }),
  };
  const decision = decide(model, question, facts);
  const noted: Noted = { detail: null };
  const record = recorder(engine, operation, caller, meta, tx, target, facts, decision, now, noted);
  if (decision.effect !== "permit") {
    const refused = refusal(operation, decision);
    await record("denied", decision.effect === "conditional" ? refused : null);
    return refused;
  }

  const context = {
    before,
    model,
    caller,
    now,
    issuer: engine.issuer,
    ifMatch: meta.ifMatch,
    pageKey: engine.pageKey,
    sealKey: engine.sealKey,
    dns: engine.dns,
    held: narrowed(caller, rights(model, facts, now)),
    heldAt: async (node: NodeId) => {
      const there = await factsAt(tx, model, caller, tx.tenant, node);
      return there === undefined ? [] : narrowed(caller, rights(model, there, now));
    },
    note: (detail: NonNullable<Noted["detail"]>) => {
      noted.detail = detail;
    },
  };
  if (operation.kind === "read") return answer(operation, await operation.run(tx, input, context));
  if (meta.validateOnly !== true) return change(engine, operation, caller, input, meta, tx, context, record);
  const asking = decide(model, { ...question, permission: mayForesee }, facts);
  if (asking.effect !== "permit") {
    const refused = refusal({ permission: mayForesee }, asking);
    await record("denied", refused);
    return refused;
  }
  throw new Undone(await foreseen(operation, input, tx, context));
};

/** What a change would do is who may do what afterwards: more than its own permission tells. */
const mayForesee = "access:explain";

/** Nothing of it stays: no row, no audit entry, no event, no remembered answer, and no version is raised. */
const foreseen = async (
  operation: Operation & { kind: "change" },
  input: Input,
  tx: Tx,
  context: OperationContext & { readonly before: unknown },
): Promise<Result<Answer>> => {
  const concerns = (output: unknown) => operation.impact?.(input, output) ?? [];
  const found = await foresee(tx, context, concerns, () => operation.run(tx, input, context));
  if (isFault(found)) return found;
  const result = withoutSecrets(found.output as Input, operation.secrets ?? []);
  const body = { validate_only: true, result, access: found.access };
  return { status: 200, body, etag: undefined, replayed: false };
};

/** A token passes on no more than its scopes let it do itself. */
const narrowed = (caller: Caller, held: PermissionSet): PermissionSet =>
  caller.scopes === undefined ? held : intersection(held, caller.scopes);

const factsAt = async (
  tx: Tx,
  model: Model,
  caller: Caller,
  tenant: TenantId,
  node: NodeId,
): Promise<Facts | undefined> => {
  const key = { principal: caller.principal, bound: caller.tenant, tenant, node };
  return factsOf(model, key, await readFactsIn(tx, key));
};

/** What a change says of itself for its audit entry. */
type Noted = { detail: AuditEntry["detail"] };

/** Gives the number of the transaction it wrote in. */
type Recorder = (outcome: AuditEntry["outcome"], fault: Fault | null) => Promise<string>;

/** Runs what changes something: once per idempotency key, with its audit entry and its events in the same transaction. */
const change = async (
  { pageKey }: Engine,
  operation: Operation & { kind: "change" },
  caller: Caller,
  input: Input,
  meta: RequestMeta,
  tx: Tx,
  context: OperationContext & { readonly before: unknown },
  record: Recorder,
): Promise<Result<Answer>> => {
  const name = idempotencyName(operation, caller, meta);
  // Under a key: a request may hold a password, which a plain hash of it would let be guessed from a copy of the database.
  const requestHash = createHmac("sha256", pageKey)
    .update(`idempotency ${canonicalize({ input, ifMatch: meta.ifMatch ?? null }) ?? ""}`)
    .digest();
  if (name !== undefined) {
    const earlier = await replay(tx, name, requestHash, context.now);
    if (earlier !== undefined) return earlier;
  }
  const output = await operation.run(tx, input, context);
  if (isFault(output)) {
    await record("failed", output);
    return output;
  }
  const events = operation.event(output, input);
  for (const event of Array.isArray(events) ? events : [events])
    await emit(tx, event, attribution(caller, meta), context.now);
  const consistency = `w${await record("done", null)}`;
  const done = answer(operation, output);
  if (isFault(done)) return done;
  if (name !== undefined) {
    const response = withoutSecrets(output as Input, operation.secrets ?? []);
    await rememberAnswer(
      tx,
      name,
      { request_hash: requestHash, status: done.status, response },
      new Date(context.now + idempotencyMs),
    );
  }
  return { ...done, consistency };
};

const answer = (operation: Operation, output: Result<unknown>): Result<Answer> => {
  if (isFault(output)) return output;
  const etag = (output as { etag?: unknown }).etag;
  return { status: operation.status, body: output, etag: typeof etag === "string" ? etag : undefined, replayed: false };
};

const idempotencyName = (operation: Operation, caller: Caller, meta: RequestMeta): IdempotencyName | undefined =>
  meta.idempotencyKey === undefined
    ? undefined
    : { principal: caller.principal.id, route: operation.name, key: meta.idempotencyKey };

const replay = async (
  tx: Tx,
  name: IdempotencyName,
  requestHash: Buffer,
  now: number,
): Promise<Result<Answer> | undefined> => {
  if (!(await claimKey(tx, name)))
    return fault("idempotency_in_flight", "a request with this Idempotency-Key is still running; ask again");
  const earlier = await findAnswer(tx, name, new Date(now));
  if (earlier === undefined) return undefined;
  if (!earlier.request_hash.equals(requestHash))
    return fault("idempotency_conflict", "this Idempotency-Key was used with another request; use a new one");
  const etag = (earlier.response as { etag?: string }).etag;
  // The snapshot that saw the first answer sees the change that was answered.
  return { status: earlier.status, body: earlier.response, etag, replayed: true, consistency: `s${earlier.read}` };
};

const withoutSecrets = (output: Input, secrets: readonly string[]): Input =>
  Object.fromEntries(Object.entries(output).filter(([name]) => !secrets.includes(name)));

/** What a sign-in can mend is told as such, before what it can't: the client comes back with a stronger one (RFC 9470 §3). */
const refusal = (
  operation: Pick<Operation, "permission">,
  decision: Exclude<Decision, { effect: "permit" }>,
): Fault => {
  const detail = explain(decision).join("; ");
  const { permission } = operation;
  for (const obligation of decision.obligations)
    if (obligation.kind === "step_up")
      return fault("insufficient_user_authentication", detail, { permission, stepUp: { acr: obligation.acr } });
  const code = decision.because.rule === "out_of_scope" ? "insufficient_scope" : "permission_denied";
  return fault(code, detail, { permission });
};

const recorder =
  (
    engine: Engine,
    operation: Operation,
    caller: Caller,
    meta: RequestMeta,
    tx: Tx,
    target: Target,
    facts: Facts,
    decision: Decision,
    now: number,
    noted: Noted,
  ): Recorder =>
  (outcome, failure) =>
    appendAndNumber(tx, {
      // A tenant that is refused to be made has no log of its own.
      tenant: outcome === "denied" && target.atHost === true ? caller.tenant : tx.tenant,
      id: newId(),
      time: now,
      action: operation.name,
      outcome,
      attribution: attribution(caller, meta),
      target: target.ref,
      targetPath: facts.path.map(({ type, node }) =>
        formatRef(engine.model.perimeters.get(type)?.collection ?? type, node),
      ),
      permission: operation.permission,
      bypass: decision.effect !== "deny" && decision.because.rule === "host_role" && tx.tenant !== hostTenant,
      because: decision.because,
      detail: failure === null ? noted.detail : { fault: failure.fault, detail: failure.detail },
    });

const attribution = (caller: Caller, meta: RequestMeta): Attribution => attributionOf(caller, meta.requestId);

/** A look over the fence is recorded where the caller belongs: the other tenant learns nothing, not even that it exists. */
const refusedElsewhere = (engine: Engine, operation: Operation, caller: Caller, meta: RequestMeta): AuditEntry => ({
  tenant: caller.tenant,
  id: newId(),
  time: engine.platform.clock.now(),
  action: operation.name,
  outcome: "denied",
  attribution: attribution(caller, meta),
  target: null,
  targetPath: null,
  permission: operation.permission,
  bypass: false,
  because: { rule: "other_tenant" },
  detail: null,
});
