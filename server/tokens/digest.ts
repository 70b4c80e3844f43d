/** What a credential is looked up by: the SHA-256 of its text. The one-shot call, as it costs a third of a hash object. */
import { hash } from "node:crypto";

/** Base64url: what cache keys carry. */
export const digestOf = (text: string): string => hash("sha256", text, "base64url");

/** The same as octets: what the database stores. */
export const digestOctets = (digest: string): Buffer => Buffer.from(digest, "base64url");
