/** A server that the protocol file is held against: ours, or the oracle. What differs between them is only where things are. */
import { createHash, randomBytes } from "node:crypto";
import type { Browser, Page } from "../support/browser.ts";
import { type Answer, basic, formOf, send } from "../oauth/http.ts";

export type OAuthClient = { readonly id: string; readonly secret: string };

export type Contender = {
  readonly name: "countersign" | "oidc-provider";
  readonly issuer: string;
  /** Where each endpoint is, by its metadata name. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Confidential, client_secret_basic; the second is somebody else. */
  readonly web: OAuthClient;
  readonly other: OAuthClient;
  /** Public: `token_endpoint_auth_method` none. */
  readonly app: { readonly id: string };
  readonly redirectUri: string;
  /** A scope of an API, beside the OpenID ones. */
  readonly scope: string;
  /** Nobody is signed in to it. */
  readonly stranger: () => Browser;
  /** Somebody is signed in, and has consented to all three clients. */
  readonly human: Browser;
  /** Gives consent where the page asks for it: one that revokes what it granted asks again. */
  readonly consented: (page: Page) => Promise<Page>;
  readonly stop: () => Promise<void>;
};

export const callback = "http://localhost:9/callback";

export const endpoint = (contender: Contender, name: string): string => String(contender.metadata[`${name}_endpoint`]);

/** RFC 7636 §4: a verifier and its challenge. */
export const newProof = (): { readonly verifier: string; readonly challenge: string } => {
  const verifier = randomBytes(32).toString("base64url");
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
};

export type Fields = Readonly<Record<string, string | readonly string[]>>;

/** A POST of a form, by a client with a secret or by nobody. */
export const ask = (contender: Contender, name: string, fields: Fields, as?: OAuthClient): Promise<Answer> => {
  const sent = formOf(fields);
  return send(endpoint(contender, name), {
    ...sent,
    headers: { ...sent.headers, ...(as === undefined ? {} : basic(as.id, as.secret)) },
  });
};

/** What an authorization request of a well-behaved client says; `changes` replace, and `undefined` leaves out. */
export const request = (
  contender: Contender,
  challenge: string,
  changes: Readonly<Record<string, string | undefined>> = {},
): string => {
  const parameters = {
    client_id: contender.web.id,
    response_type: "code",
    redirect_uri: contender.redirectUri,
    scope: "openid",
    state: "a-state",
    nonce: "a-nonce",
    code_challenge: challenge,
    code_challenge_method: "S256",
    ...changes,
  };
  const given = Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return `${endpoint(contender, "authorization")}?${new URLSearchParams(given).toString()}`;
};

/** What came back to the client: the redirect's parameters, or undefined where the browser never left. */
export const returned = (page: Page): URLSearchParams | undefined => {
  if (page.leftFor === undefined) return undefined;
  const { search, hash } = new URL(page.leftFor);
  // An error of the implicit flow comes in the fragment.
  return new URLSearchParams(search === "" ? hash.slice(1) : search);
};

/** A code, as the signed-in human's browser brings it. */
export const newCode = async (
  contender: Contender,
  challenge: string,
  changes: Readonly<Record<string, string | undefined>> = {},
): Promise<string> => {
  const page = await contender.consented(await contender.human.get(request(contender, challenge, changes)));
  const code = returned(page)?.get("code");
  if (code === null || code === undefined)
    throw new Error(
      `${contender.name} gave no code: ${page.leftFor ?? `${page.status} ${page.url} ${page.text.slice(0, 500)}`}`,
    );
  return code;
};

/** The token request that goes with `newCode`. */
export const redemption = (contender: Contender, code: string, verifier: string): Fields => ({
  grant_type: "authorization_code",
  code,
  redirect_uri: contender.redirectUri,
  code_verifier: verifier,
});

/** Tokens of the signed-in human, for the confidential client. */
export const newTokens = async (
  contender: Contender,
  scope = "openid offline_access",
): Promise<Readonly<Record<string, string>>> => {
  const { verifier, challenge } = newProof();
  // OpenID Connect Core §11: offline access is asked for with prompt=consent.
  const code = await newCode(contender, challenge, { scope });
  const answer = await ask(contender, "token", redemption(contender, code, verifier), contender.web);
  if (answer.status !== 200) throw new Error(`${contender.name} gave no tokens: ${answer.text}`);
  return answer.json();
};

/** `400 invalid_grant`; the status alone where the body is no OAuth error. */
export const outcome = ({ status, text }: Pick<Answer, "status" | "text">): string => {
  try {
    const { error } = JSON.parse(text) as { error?: string };
    return error === undefined ? String(status) : `${status} ${error}`;
  } catch {
    return String(status);
  }
};
