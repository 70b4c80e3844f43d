/** What is asked of a contender again and again, and how what it answered is written down. */
import { send } from "../oauth/http.ts";
import {
  ask,
  type Contender,
  endpoint,
  newCode,
  newProof,
  outcome,
  redemption,
  request,
  returned,
} from "./contender.ts";
import type { Line } from "./line.ts";

/** How the authorization endpoint answered: an error at the client, a code at the client, or a page of the server's own. */
export const atAuthorize = async (contender: Contender, url: string, browser = contender.human): Promise<string> => {
  const page = await contender.consented(await browser.get(url));
  const back = returned(page);
  if (back === undefined) return page.status >= 400 ? `page ${page.status}` : "page";
  const error = back.get("error");
  const marks = [back.get("state") === "a-state" ? "state" : "", back.get("iss") === contender.issuer ? "iss" : ""];
  return [error ?? (back.get("code") === null ? "nothing" : "code"), ...marks].filter((one) => one !== "").join(" ");
};

export const authorizing =
  (changes: Readonly<Record<string, string | undefined>>): Line["probe"] =>
  (contender) =>
    atAuthorize(contender, request(contender, newProof().challenge, changes));

/** Redeems a fresh code in the way `how` says. */
export const redeeming =
  (
    how: (
      fields: Readonly<Record<string, string | readonly string[]>>,
    ) => Readonly<Record<string, string | readonly string[]>>,
    as: "web" | "other" = "web",
  ): Line["probe"] =>
  async (contender) => {
    const { verifier, challenge } = newProof();
    const code = await newCode(contender, challenge);
    return outcome(await ask(contender, "token", how(redemption(contender, code, verifier)), contender[as]));
  };

export const active = async (contender: Contender, token: string): Promise<string> => {
  const answer = await ask(contender, "introspection", { token }, contender.web);
  return answer.text === '{"active":false}'
    ? "inactive"
    : answer.json<{ active: boolean }>().active
      ? "active"
      : answer.text;
};

export const refreshing = (
  contender: Contender,
  token: string | undefined,
  more: Readonly<Record<string, string>> = {},
) => ask(contender, "token", { grant_type: "refresh_token", refresh_token: token ?? "", ...more }, contender.web);

export const userinfo = async (
  contender: Contender,
  headers: Readonly<Record<string, string>>,
  query = "",
): Promise<string> => {
  const answer = await send(endpoint(contender, "userinfo") + query, { headers });
  const challenge = answer.headers["www-authenticate"] ?? "";
  const error = /error="?([a-z_]+)/.exec(challenge)?.[1];
  return [answer.status, challenge.split(" ")[0], error].filter(Boolean).join(" ");
};

export const push = (contender: Contender, more: Readonly<Record<string, string>> = {}) =>
  ask(
    contender,
    "pushed_authorization_request",
    { ...Object.fromEntries(new URL(request(contender, newProof().challenge)).searchParams), ...more },
    contender.web,
  );

export const device = (contender: Contender) =>
  ask(contender, "device_authorization", { scope: "openid" }, contender.web);

export const poll = (contender: Contender, device_code: string, as = contender.web) =>
  ask(contender, "token", { grant_type: "urn:ietf:params:oauth:grant-type:device_code", device_code }, as);
