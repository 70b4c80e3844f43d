/**
 * RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0), at `/oauth/logout`.
 *
 * An application that shows whom it means, by an ID token of ours for that human, ends the session at once, and may have the browser sent
 * back to an address it has registered. Whoever cannot show that gets the human asked, and sends nobody anywhere.
 */
import { fault, type Fault, isFault, type Result } from "../../../core/faults.ts";
import { principalRef } from "../../../core/ids.ts";
import { findClient } from "../../clients/find-client.ts";
import type { Client } from "../../clients/model.ts";
import { dropCookie, readCookie } from "../../platform/web/cookies.ts";
import type { Platform } from "../../platform/platform.ts";
import type { WebRequest, WebResponse } from "../../platform/web/request.ts";
import { endSession } from "../../sessions/end-session.ts";
import { findSession } from "../../sessions/find-session.ts";
import { sessionCookie } from "../../sessions/model.ts";
import type { SigningKeys } from "../../tokens/signing-keys.ts";
import { type IdTokenHint, readIdToken } from "../id-token.ts";
import { parameter, repeated } from "../protocol.ts";

export type EndingSessions = {
  readonly platform: Platform;
  readonly issuer: string;
  readonly keys: SigningKeys;
  /** Shows a human what went wrong. */
  readonly renderError: (failure: Fault, request: WebRequest) => WebResponse;
};

const parameterNames = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"] as const;
type Parameters = Readonly<Record<(typeof parameterNames)[number], string | undefined>>;
const valueLengthMax = 8_192;

export const logoutEndpoint = async (needs: EndingSessions, request: WebRequest): Promise<WebResponse> => {
  const asked = readParameters(request);
  if (isFault(asked)) return needs.renderError(asked, request);
  // A form that another site has posted comes without our cookie (SameSite=Lax); the same as a navigation brings it.
  if (request.method === "POST" && readCookie(request.headers, sessionCookie) === undefined)
    return goTo(`${needs.issuer}/oauth/logout?${queryOf(asked)}`);

  const hint = await readHint(needs, asked);
  const client = hint && (await findClient(needs.platform, hint.aud));
  const back = client && returnAddress(client, asked);
  const session = await findSession(needs, request);
  const { issuer, platform } = needs;
  if (session === undefined) return goTo(back ?? `${issuer}/signed-out`);
  // Nobody is signed out by a link alone, and nobody by another's token.
  if (hint?.sub !== principalRef("human", session.user)) return goTo(signOutPage(issuer, asked));
  await platform.database.transaction(session.home, (tx) =>
    endSession(tx, session.id, { reason: "signed_out", now: platform.clock.now(), requestId: request.requestId }),
  );
  return goTo(back ?? `${issuer}/signed-out`, dropCookie(sessionCookie));
};

/** §2: GET with a query, or POST with a form. */
const readParameters = ({ method, query, form }: WebRequest): Result<Parameters> => {
  const source = method === "POST" ? form : query;
  const twice = repeated(source);
  if (twice !== undefined) return twice;
  const read: Record<string, string | undefined> = {};
  for (const name of parameterNames) {
    const found = parameter(source, name);
    if (isFault(found)) return found;
    if (found.value !== undefined && found.value.length > valueLengthMax)
      return fault("invalid_argument", `the parameter \`${name}\` is too long`);
    read[name] = found.value;
  }
  return read as Parameters;
};

const queryOf = (asked: Parameters): string =>
  new URLSearchParams(
    parameterNames.flatMap((name) => (asked[name] === undefined ? [] : [[name, asked[name]]])),
  ).toString();

/** §2: one of ours, expired or not, and of the client that `client_id` names, where it names one. */
const readHint = async (needs: EndingSessions, asked: Parameters): Promise<IdTokenHint | undefined> => {
  const hint = asked.id_token_hint === undefined ? undefined : await readIdToken(needs, asked.id_token_hint);
  return hint !== undefined && (asked.client_id === undefined || asked.client_id === hint.aud) ? hint : undefined;
};

/** §3: exactly as registered; with the `state` that came along. */
const returnAddress = (client: Client, asked: Parameters): string | undefined => {
  const { post_logout_redirect_uri: uri, state } = asked;
  if (uri === undefined || !client.metadata.post_logout_redirect_uris.includes(uri)) return undefined;
  const address = new URL(uri);
  if (state !== undefined) address.searchParams.append("state", state);
  return state === undefined ? uri : address.href;
};

const signOutPage = (issuer: string, asked: Parameters): string =>
  `${issuer}/sign-out${asked.ui_locales === undefined ? "" : `?${new URLSearchParams({ ui_locales: asked.ui_locales }).toString()}`}`;

const goTo = (location: string, cookie?: string): WebResponse => ({
  status: 303,
  headers: {
    location,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    ...(cookie === undefined ? {} : { "set-cookie": cookie }),
  },
  body: "",
});
