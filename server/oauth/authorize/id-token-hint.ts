/**
 * `id_token_hint` (OIDC Core §3.1.2.1): an ID token of ours says which human the client means. An expired one will do, signed by a key that
 * has been retired since; a forged one, one made for another client, or another kind of token will not.
 */
import { compactVerify, decodeProtectedHeader } from "jose";
import { type Fault, fault, type Result } from "../../../core/faults.ts";
import type { SigningKeys } from "../../tokens/signing-keys.ts";
import { idOfSubject } from "./subject.ts";

const hintLengthMax = 8_000;

const refused = (): Fault => fault("invalid_argument", "`id_token_hint` is no ID token of this server for this client");

type Needs = { readonly keys: SigningKeys; readonly issuer: string };

/** The id of the user it names. */
export const readIdTokenHint = async (needs: Needs, clientId: string, hint: string): Promise<Result<string>> => {
  if (hint.length > hintLengthMax) return refused();
  try {
    const { kid, alg, typ } = decodeProtectedHeader(hint);
    const key = kid === undefined ? undefined : await needs.keys.findPast(kid);
    // RFC 9068 §2.1 and OIDC Back-Channel Logout §2.4 give their tokens types of their own, so that none passes for another.
    if (key === undefined || alg !== key.alg || (typ !== undefined && typ !== "JWT")) return refused();
    const { payload } = await compactVerify(hint, key.publicKey, { algorithms: [key.alg] });
    const claims = JSON.parse(Buffer.from(payload).toString()) as Readonly<Record<string, unknown>>;
    const audience = Array.isArray(claims.aud) ? (claims.aud as readonly unknown[]) : [claims.aud];
    const user = idOfSubject(claims.sub);
    return claims.iss === needs.issuer && audience.includes(clientId) && user !== undefined ? user : refused();
  } catch {
    return refused();
  }
};
