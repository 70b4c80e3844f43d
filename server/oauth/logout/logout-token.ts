/** Logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.4): to one client, about one session, good for two minutes. */
import { type PrincipalId, principalRef } from "../../../core/ids.ts";
import type { ClientMetadata } from "../../clients/model.ts";
import { seconds } from "../../platform/clock.ts";
import { newId } from "../../platform/random.ts";
import { signJwt } from "../../tokens/sign-jwt.ts";
import type { SigningKeys } from "../../tokens/signing-keys.ts";

const ttlSeconds = 120;
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout";

export type EndedSession = { readonly user: PrincipalId; readonly session: string };

/** No `nonce`, and a type of its own: it passes for no ID token (§2.4). Signed as the client's ID tokens are (§2.6). */
export const makeLogoutToken = async (
  needs: { readonly issuer: string; readonly keys: SigningKeys },
  client: { readonly client_id: string; readonly metadata: Pick<ClientMetadata, "id_token_signed_response_alg"> },
  ended: EndedSession,
  now: number,
): Promise<string> =>
  signJwt(await needs.keys.signer(client.metadata.id_token_signed_response_alg), "logout+jwt", {
    iss: needs.issuer,
    sub: principalRef("human", ended.user),
    aud: client.client_id,
    iat: seconds(now),
    exp: seconds(now) + ttlSeconds,
    jti: newId(),
    events: { [logoutEvent]: {} },
    sid: ended.session,
  });
