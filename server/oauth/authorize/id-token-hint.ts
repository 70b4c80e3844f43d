/**
 * `id_token_hint` (OIDC Core §3.1.2.1): an ID token of ours says which human the client means. An expired one will do, signed by a key that
 * has been retired since; a forged one, one made for another client, or another kind of token will not.
 */
import { type Fault, fault, type Result } from "../../../core/faults.ts";
import type { SigningKeys } from "../../tokens/signing-keys.ts";
import { readIdToken } from "../id-token.ts";
import { idOfSubject } from "./subject.ts";

const refused = (): Fault => fault("invalid_argument", "`id_token_hint` is no ID token of this server for this client");

type Needs = { readonly keys: SigningKeys; readonly issuer: string };

/** The id of the user it names. */
export const readIdTokenHint = async (needs: Needs, clientId: string, hint: string): Promise<Result<string>> => {
  const token = await readIdToken(needs, hint);
  const user = token?.aud === clientId ? idOfSubject(token.sub) : undefined;
  return user ?? refused();
};
