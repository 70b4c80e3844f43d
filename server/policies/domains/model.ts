/**
 * Domains: DNS names a tenant has proven to be its own, by a TXT record that only their owner can write. A name is one tenant's at most.
 *
 *     pending → verified
 */
import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import Type from "typebox";
import { fault, type Result } from "../../../core/faults.ts";
import { formatRef } from "../../../core/ids.ts";
import { etagOf } from "../../operations/etag.ts";
import { etag, id, ref, strict, time } from "../../operations/fields.ts";

export type Domain = {
  readonly id: string;
  /** As DNS has it: lower case, in ASCII, without the final dot. */
  readonly name: string;
  readonly state: "pending" | "verified";
  /** Public. */
  readonly challenge: string;
  readonly revision: number;
  readonly createTime: Date;
  readonly updateTime: Date;
};

export const collection = "domains";

/** A tenant has no more. */
export const domains_max = 100;

/** What the record must say, whole. */
export const recordOf = (challenge: string): string => `countersign-verification=${challenge}`;

/** RFC 1035 §2.3.4. */
const nameLengthMax = 253;
const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?$/;

/** The name in the form that is stored and looked up; internationalized names in their ASCII form (RFC 5891). */
export const readName = (text: string): Result<{ readonly name: string }> => {
  const name = domainToASCII(text.trim().replace(/\.$/, "")).toLowerCase();
  const labels = name.split(".");
  const wrong =
    name.length === 0 ||
    name.length > nameLengthMax ||
    labels.length < 2 ||
    isIP(name) !== 0 ||
    /^\d+$/.test(labels.at(-1) ?? "") ||
    !labels.every((one) => label.test(one));
  return wrong
    ? fault("invalid_argument", `\`${text}\` is no domain name such as \`acme.example\``, {
        errors: [{ path: "name", message: "is no domain name such as `acme.example`" }],
      })
    : { name };
};

export const domainOutput = strict({
  id,
  resource: ref("domains/{uuid}"),
  name: Type.String(),
  state: Type.Union([Type.Literal("pending"), Type.Literal("verified")]),
  txt_record: Type.String({ description: "what a TXT record at the name must say, before it is verified" }),
  etag,
  create_time: time,
  update_time: time,
});

export const render = (domain: Domain): Type.Static<typeof domainOutput> => ({
  id: domain.id,
  resource: formatRef(collection, domain.id),
  name: domain.name,
  state: domain.state,
  txt_record: recordOf(domain.challenge),
  etag: etagOf(domain.revision),
  create_time: domain.createTime.toISOString(),
  update_time: domain.updateTime.toISOString(),
});
