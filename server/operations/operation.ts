/**
 * An operation, declared once as data (design §3). Its REST route, its OpenAPI entry, the permission check, attribution, idempotency,
 * the audit entry and its event all follow from the declaration, so that no operation can forget one of them.
 */
import type { Static, TObject, TSchema } from "typebox";
import type { Result } from "../../core/faults.ts";
import type { NodeId, TenantId } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import type { PermissionSet } from "../../core/model/model.ts";
import type { Caller } from "../authority/caller.ts";
import type { NewEvent } from "../events/model.ts";
import type { Database, Tx } from "../platform/database/database.ts";
import type { Dns } from "../platform/dns.ts";
import type { SecretKey } from "../platform/keys/seal.ts";
import type { Concern } from "./what-if/concern.ts";
import type { Limits } from "../platform/limits/limits.ts";

/** What every operation may lean on, besides its transaction. */
export type OperationContext = {
  readonly model: Model;
  readonly caller: Caller;
  /** Milliseconds since the epoch; one reading for the whole operation. */
  readonly now: number;
  readonly issuer: string;
  /** The etag of `If-Match`, unquoted; undefined where none was sent. */
  readonly ifMatch: string | undefined;
  /** Signs page tokens. */
  readonly pageKey: Buffer;
  /** Where a domain's proof is looked up. */
  readonly dns: Dns;
  /** Seals what must be read back, such as mail under way. */
  readonly sealKey: SecretKey;
  /** What the caller may do at the operation's target, within its token's scopes: nobody grants more than this (invariant 8). */
  readonly held: PermissionSet;
  /** The same at another node of the tenant. */
  readonly heldAt: (node: NodeId) => Promise<PermissionSet>;
  /** What the audit entry says besides, once the change is done; never a secret. */
  readonly note: (detail: Readonly<Record<string, unknown>>) => void;
};

/** Hashing passwords, off the main thread and bounded (`credentials/passwords/hasher.ts`). */
export type Hashing = {
  hash(text: string): Promise<Result<string>>;
  /** `stored` null where there is nothing to compare with: it takes as long, and never matches. */
  verify(stored: string | null, text: string): Promise<Result<{ readonly matches: boolean }>>;
};

/** What may be done before the transaction: the input is valid, and nothing is decided yet. */
export type BeforeContext = {
  readonly caller: Caller;
  /** The tenant it will be about. */
  readonly tenant: TenantId;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly database: Database;
  readonly limits: Limits;
  readonly hashing: Hashing;
};

/**
 * Where the operation's permission must hold, found from stored state. `ref` is what the audit entry names. At the host where only
 * the deployment's own principals may do it, whatever a tenant's roles say.
 */
export type Target = { readonly node: NodeId; readonly ref: string; readonly atHost?: boolean };

/**
 * What finding a target may look at; `now` in milliseconds since the epoch. The permission is not yet decided: nothing found here may be told
 * to the caller.
 */
export type TargetContext = { readonly model: Model; readonly caller: Caller; readonly now: number };

/** An operation that changes something has an event; one that reads has none. */
type Effect<Input, Output> =
  | { readonly kind: "read" }
  | {
      readonly kind: "change";
      /** Output fields that are shown once: kept out of the idempotency record, so a replay does not repeat them. */
      readonly secrets?: readonly (keyof Output & string)[];
      readonly event: (output: Output, input: Input) => NewEvent | readonly NewEvent[];
      /**
       * Whose access it may change, and where: a change that has this can be asked what it would do (`validate_only`). Asked before the
       * change, without an output, and after it.
       */
      readonly impact?: (input: Input, output: Output | undefined) => readonly Concern[];
    };

/**
 * Which tenant's transaction the operation runs in.
 * - `tenant`: the caller's own, or, for the host's callers, the one they name in `Countersign-Tenant` or as `parent`.
 * - `host`: above all tenants, for reading across them.
 * - a function: the input says it (`/v1/organizations/{id}` is about tenant `id`), a new tenant is about to be, or it depends on who
 *   calls. Another tenant's id gets a tenant's caller no further than that id's not being there.
 */
export type Scope<Input> = FixedScope | ((input: Input, asking: Asking) => TenantId | FixedScope);
export type FixedScope = "tenant" | "host";

/** What a scope may look at besides the input. */
export type Asking = {
  readonly caller: Caller;
  readonly idempotencyKey: string | undefined;
  /** `Countersign-Tenant`, as sent. */
  readonly tenant: string | undefined;
};

export type OperationSpec<I extends TObject, O extends TSchema, B = unknown> = Effect<Static<I>, Static<O>> & {
  /** `{collection}.{verb}`: the audit action, the OpenAPI operationId and the CLI verb. */
  readonly name: string;
  readonly summary: string;
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** `/v1/{collection}/{id}:verb`; what is in braces is taken from the path, the rest of the input from body or query. */
  readonly path: string;
  readonly input: I;
  readonly output: O;
  readonly status: 200 | 201;
  /** `{resource}:{action}` of the access model. */
  readonly permission: string;
  readonly scope: Scope<Static<I>>;
  /**
   * What takes too long to hold a connection for, as hashing a password does. Its result is `context.before`; a fault ends the call, and is
   * in no log. It runs for whoever is authenticated, permitted or not, so it must be bounded.
   */
  readonly before?: (input: Static<I>, context: BeforeContext) => Promise<Result<B>>;
  readonly target: (tx: Tx, input: Static<I>, context: TargetContext) => Promise<Result<Target>>;
  readonly run: (
    tx: Tx,
    input: Static<I>,
    context: OperationContext & { readonly before: B },
  ) => Promise<Result<Static<O>>>;
};

/** An operation whose input and output types are behind it: what tables of operations hold. */
export type Operation = OperationSpec<TObject, TSchema>;

/** Checks a declaration against its own schemas, at compile time, and forgets them. */
export const operation = <I extends TObject, O extends TSchema, B>(spec: OperationSpec<I, O, B>): Operation =>
  spec as unknown as Operation;
