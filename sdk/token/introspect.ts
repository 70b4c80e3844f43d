/**
 * Asking the issuer about a token (RFC 7662), with this service's own credentials, on every request: nothing is kept, so that a revocation
 * is seen at once. The answer is held to the same rules as a signature's claims.
 */
import { isFault, type Result } from "../../core/faults.ts";
import { ask, membersOf, reasonIn } from "../ask.ts";
import type { Issuer } from "../issuer.ts";
import type { Credentials, Settled } from "../options.ts";
import type { Platform } from "../platform.ts";
import { type Claims, readClaims } from "./claims.ts";
import { noIssuer, refusedToken } from "./verify-jwt.ts";

export type Introspecting = {
  readonly options: Settled;
  readonly platform: Platform;
  readonly issuer: Issuer;
  readonly credentials: Credentials;
};

const token_length_max = 12_288;
const tokenText = /^[A-Za-z0-9._~+/-]+=*$/;

export const introspect = async (needs: Introspecting, token: string): Promise<Result<Claims>> => {
  if (token.length > token_length_max || !tokenText.test(token)) return refusedToken;
  const said = await answerAbout(needs, token);
  if (isFault(said)) return said;
  const { options, platform } = needs;
  if (said.active !== true || (said.iss !== undefined && said.iss !== options.issuer)) return refusedToken;
  const claims = readClaims(said);
  if (claims === undefined || claims.exp * 1000 <= platform.now()) return refusedToken;
  return claims.audience.some((one) => options.audience.includes(one)) ? claims : refusedToken;
};

const answerAbout = async (needs: Introspecting, token: string): Promise<Result<Readonly<Record<string, unknown>>>> => {
  try {
    const { introspection_endpoint } = await needs.issuer.metadata();
    const said = await ask({ ...needs, timeoutMs: needs.options.timeoutMs }, introspection_endpoint, {
      method: "POST",
      headers: { authorization: basicOf(needs.credentials), "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ token, token_type_hint: "access_token" }).toString(),
    });
    if (said.status === 200 && typeof membersOf(said.body).active === "boolean") return membersOf(said.body);
    const hint = said.status === 403 ? "; the role of this service's account needs `tokens:introspect`" : "";
    needs.platform.report(`introspection was answered with ${reasonIn(said)}${hint}`);
    return noIssuer;
  } catch (error) {
    needs.platform.report("introspection was not answered", error);
    return noIssuer;
  }
};

/** RFC 6749 §2.3.1. */
export const basicOf = ({ clientId, clientSecret }: Credentials): string =>
  `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString("base64")}`;
