/** A tenant's sign-in policy as its administrators see it. A tenant that never wrote one has the defaults, at `r0`. */
import Type from "typebox";
import { formatRef, type TenantId } from "../../core/ids.ts";
import { etagOf } from "../operations/etag.ts";
import { etag, id, ref, strict, time } from "../operations/fields.ts";
import { defaultPolicy, type SignInPolicy } from "./model.ts";

export const collection = "sign-in-policies";

const day = 86_400;

/** Every field with its bounds. */
export const policyFields = {
  mfa: Type.Union([Type.Literal("off"), Type.Literal("optional"), Type.Literal("required")], {
    description: "whether a second factor is asked for; with `required`, who has none adds one at the next sign-in",
  }),
  remembered_device_days: Type.Integer({
    minimum: 0,
    maximum: 365,
    description: "how long a browser may leave out the second factor; 0 for never",
  }),
  session_idle_seconds: Type.Integer({
    minimum: 60,
    maximum: 30 * day,
    description: "a session nobody uses ends after this",
  }),
  session_absolute_seconds: Type.Integer({
    minimum: 300,
    maximum: 366 * day,
    description: "a session ends after this, used or not",
  }),
  password_length_min: Type.Integer({ minimum: 8, maximum: 64, description: "characters a new password needs" }),
  self_registration: Type.Union([Type.Literal("off"), Type.Literal("verified_domains"), Type.Literal("on")], {
    description: "whether strangers may make an account: never, with an address of a verified domain, or always",
  }),
  self_registration_role: Type.Union([Type.String({ minLength: 1, maxLength: 100 }), Type.Null()], {
    description: "the built-in role of who registers; no more than whoever sets it holds",
  }),
  dynamic_registration: Type.Union([Type.Literal("off"), Type.Literal("on")], {
    description: "whether clients may register themselves (RFC 7591)",
  }),
  client_id_metadata_documents: Type.Union([Type.Literal("off"), Type.Literal("on")], {
    description: "whether a client may be the URL of its metadata document",
  }),
  reauthenticate_seconds: Type.Integer({
    minimum: 0,
    maximum: 30 * day,
    description: "signing in asks for a proof no older than this, whatever the session says; 0 for no such rule",
  }),
} as const;

export const policyFieldNames = Object.keys(policyFields) as (keyof typeof policyFields)[];

export const policyOutput = strict({
  id,
  resource: ref("sign-in-policies/{uuid of the tenant}"),
  ...policyFields,
  etag,
  create_time: Type.Union([time, Type.Null()]),
  update_time: Type.Union([time, Type.Null()]),
});

export type StoredPolicy = {
  readonly document: Partial<SignInPolicy>;
  readonly revision: number;
  readonly createTime: Date | null;
  readonly updateTime: Date | null;
};

export const unwritten: StoredPolicy = { document: {}, revision: 0, createTime: null, updateTime: null };

export const render = (tenant: TenantId, stored: StoredPolicy): Type.Static<typeof policyOutput> => ({
  id: tenant,
  resource: formatRef(collection, tenant),
  ...defaultPolicy,
  ...stored.document,
  etag: etagOf(stored.revision),
  create_time: stored.createTime?.toISOString() ?? null,
  update_time: stored.updateTime?.toISOString() ?? null,
});
