/**
 * The id of a tenant that is about to be. With an Idempotency-Key it follows from the key and from who sent it: what is remembered under
 * the key is kept in the new tenant, and a repetition must come to look there, instead of making a second tenant.
 */
import { createHash } from "node:crypto";
import type { TenantId } from "../../core/ids.ts";
import type { Asking } from "../operations/operation.ts";
import { newId } from "../platform/random.ts";

export const newTenantId = (collection: string, { caller, idempotencyKey }: Asking): TenantId =>
  idempotencyKey === undefined
    ? newId<TenantId>()
    : derived(JSON.stringify(["new tenant", collection, caller.principal.id, idempotencyKey]));

/** RFC 9562 §5.8, UUIDv8: 122 bits of SHA-256, so two names never share an id. */
const derived = (name: string): TenantId => {
  const octets = createHash("sha256").update(name).digest().subarray(0, 16);
  octets[6] = ((octets[6] ?? 0) & 0x0f) | 0x80;
  octets[8] = ((octets[8] ?? 0) & 0x3f) | 0x80;
  return octets.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-") as TenantId;
};
