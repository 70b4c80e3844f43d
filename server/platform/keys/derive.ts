/** Keys for one purpose each, derived from the deployment's secret key (RFC 5869), so that no two uses share one. */
import { hkdfSync } from "node:crypto";
import type { SecretKey } from "./seal.ts";

const octets = 32;

export const derivedKey = (key: SecretKey, purpose: string): Buffer =>
  Buffer.from(hkdfSync("sha256", key.octets, "", `countersign ${purpose}`, octets));
