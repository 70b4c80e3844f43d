/**
 * The text of a secret that Countersign issues: a client secret, an API token, an opaque access token.
 *
 * `prefix ‖ base64url(tenant 16 ‖ principal 16 ‖ key id 6 ‖ random 32 ‖ CRC-32 4)`
 *
 * The prefix lets scanners and people see what leaked. The checksum refuses a mistyped secret without asking anyone. Tenant and
 * principal say where the credential lives and what its cached standing depends on, so one cache round trip answers for it; they
 * are routing, not authority: only the hash of the whole text is looked up. The key id names the credential in lists.
 */
import { digestOctets, digestOf } from "./digest.ts";
import { crc32 } from "node:zlib";
import type { PrincipalId, TenantId } from "../../core/ids.ts";
import { randomOctets } from "../platform/random.ts";

const prefixes = {
  // what a principal proves itself with: accepted on the verify path
  client_secret: "cs_secret_",
  api_token: "cs_api_",
  access_token: "cs_at_",
  // of an application (an OAuth client that people use); `principal` is the application's id
  application_secret: "cs_app_",
  registration_token: "cs_reg_",
  authorization_request: "cs_req_",
  device_code: "cs_dc_",
  // of a human, in the home tenant
  authorization_code: "cs_code_",
  refresh_token: "cs_rt_",
  session: "cs_ses_",
  remembered_device: "cs_dev_",
  mail_link: "cs_link_",
  // of an invitation; `principal` is the invitation's id
  invitation: "cs_inv_",
  // of a share link; `principal` is the link's id
  share_link: "cs_share_",
} as const;

export type SecretKind = keyof typeof prefixes;

/** What the verify path takes: it proves a principal. */
export type VerifiableKind = "client_secret" | "api_token" | "access_token";

const idOctets = 16;
const keyIdOctets = 6;
const randomPart = 32;
const checksumOctets = 4;
const bodyOctets = 2 * idOctets + keyIdOctets + randomPart;
const totalOctets = bodyOctets + checksumOctets;
/** Base64url characters that `totalOctets` make. */
const textLength = Math.ceil((totalOctets * 4) / 3);

/** A secret just made. `text` is shown once; `hash` and `keyId` are kept. */
export type NewSecret = { readonly text: string; readonly hash: Buffer; readonly keyId: string };

/** Where a presented secret says it lives, and what to look up. */
export type PresentedSecret<Kind extends SecretKind = SecretKind> = {
  readonly kind: Kind;
  readonly tenant: TenantId;
  readonly principal: PrincipalId;
  /** SHA-256 of the whole text, base64url. */
  readonly digest: string;
};

const uuidOctets = (uuid: string): Buffer => Buffer.from(uuid.replaceAll("-", ""), "hex");

const uuidText = (hex: string, at: number): string =>
  `${hex.slice(at, at + 8)}-${hex.slice(at + 8, at + 12)}-${hex.slice(at + 12, at + 16)}-${hex.slice(at + 16, at + 20)}-${hex.slice(at + 20, at + 32)}`;

export const newSecret = (kind: SecretKind, tenant: TenantId, principal: PrincipalId): NewSecret => {
  const keyId = randomOctets(keyIdOctets);
  const body = Buffer.concat([uuidOctets(tenant), uuidOctets(principal), keyId, randomOctets(randomPart)]);
  const checksum = Buffer.alloc(checksumOctets);
  checksum.writeUInt32BE(crc32(body));
  const text = prefixes[kind] + Buffer.concat([body, checksum]).toString("base64url");
  return { text, hash: digestOctets(digestOf(text)), keyId: keyId.toString("hex") };
};

/** Reads a secret's text; undefined when it cannot be one of ours, of one of these kinds. */
export const readSecret = <Kind extends SecretKind>(
  text: string,
  kinds: readonly Kind[],
): PresentedSecret<Kind> | undefined => {
  for (const kind of kinds) {
    const prefix = prefixes[kind];
    if (!text.startsWith(prefix)) continue;
    if (text.length !== prefix.length + textLength) return undefined;
    const octets = Buffer.from(text.slice(prefix.length), "base64url");
    if (octets.length !== totalOctets) return undefined;
    if (crc32(octets.subarray(0, bodyOctets)) !== octets.readUInt32BE(bodyOctets)) return undefined;
    const hex = octets.toString("hex", 0, 2 * idOctets);
    return {
      kind,
      tenant: uuidText(hex, 0) as TenantId,
      principal: uuidText(hex, 2 * idOctets) as PrincipalId,
      digest: digestOf(text),
    };
  }
  return undefined;
};
