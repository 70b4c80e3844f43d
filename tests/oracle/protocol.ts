/**
 * The protocol as a file: one line for each thing a specification asks, what is done, and the answer it must have. The same lines run
 * against our server and against the oracle; where the two may differ, the line says how and why.
 */
import { createHash } from "node:crypto";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { formOf, send } from "../oauth/http.ts";
import {
  ask,
  type Contender,
  endpoint,
  newCode,
  newProof,
  newTokens,
  outcome,
  redemption,
  request,
  returned,
} from "./contender.ts";

/** `because` is printed with the result, and stands in docs/conformance.md. */
export type Answer = string | { readonly ours: string; readonly oracle: string; readonly because: string };

export type Line = {
  readonly says: string;
  readonly probe: (contender: Contender) => Promise<string>;
  readonly answer: Answer;
};

const line = (says: string, answer: Answer, probe: Line["probe"]): Line => ({ says, probe, answer });

/** How the authorization endpoint answered: an error at the client, a code at the client, or a page of the server's own. */
const atAuthorize = async (contender: Contender, url: string, browser = contender.human): Promise<string> => {
  const page = await contender.consented(await browser.get(url));
  const back = returned(page);
  if (back === undefined) return page.status >= 400 ? `page ${page.status}` : "page";
  const error = back.get("error");
  const marks = [back.get("state") === "a-state" ? "state" : "", back.get("iss") === contender.issuer ? "iss" : ""];
  return [error ?? (back.get("code") === null ? "nothing" : "code"), ...marks].filter((one) => one !== "").join(" ");
};

const authorizing =
  (changes: Readonly<Record<string, string | undefined>>): Line["probe"] =>
  (contender) =>
    atAuthorize(contender, request(contender, newProof().challenge, changes));

/** Redeems a fresh code in the way `how` says. */
const redeeming =
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

const active = async (contender: Contender, token: string): Promise<string> => {
  const answer = await ask(contender, "introspection", { token }, contender.web);
  return answer.text === '{"active":false}'
    ? "inactive"
    : answer.json<{ active: boolean }>().active
      ? "active"
      : answer.text;
};

const refreshing = (contender: Contender, token: string | undefined, more: Readonly<Record<string, string>> = {}) =>
  ask(contender, "token", { grant_type: "refresh_token", refresh_token: token ?? "", ...more }, contender.web);

const userinfo = async (
  contender: Contender,
  headers: Readonly<Record<string, string>>,
  query = "",
): Promise<string> => {
  const answer = await send(endpoint(contender, "userinfo") + query, { headers });
  const challenge = answer.headers["www-authenticate"] ?? "";
  const error = /error="?([a-z_]+)/.exec(challenge)?.[1];
  return [answer.status, challenge.split(" ")[0], error].filter(Boolean).join(" ");
};

export const lines: readonly Line[] = [
  // the authorization endpoint
  line(
    "RFC 6749 §4.1.1: a well-formed request of somebody signed in brings a code, with the state, and RFC 9207's iss",
    "code state iss",
    authorizing({}),
  ),
  line(
    "RFC 6749 §4.1.2.1: an unknown client is told on our own page, never by a redirect",
    "page 400",
    authorizing({ client_id: "nobody" }),
  ),
  line(
    "RFC 6749 §4.1.2.1: a redirect URI that is not registered is told on our own page",
    "page 400",
    authorizing({ redirect_uri: "http://localhost:9/elsewhere" }),
  ),
  line(
    "RFC 6749 §3.1.2: redirect URIs match exactly: a longer path is another one",
    "page 400",
    authorizing({ redirect_uri: "http://localhost:9/callback/more" }),
  ),
  line(
    "RFC 6749 §3.1.1: a missing response_type is invalid_request",
    "invalid_request state iss",
    authorizing({ response_type: undefined }),
  ),
  line(
    "OAuth 2.1 §10: the implicit response type is not supported",
    "unsupported_response_type state iss",
    authorizing({ response_type: "token" }),
  ),
  line(
    "RFC 7636 §4.4.1: a request without a challenge is refused where one is required",
    "invalid_request state iss",
    authorizing({ code_challenge: undefined, code_challenge_method: undefined }),
  ),
  line(
    "RFC 7636 §4.3: only S256 is taken",
    "invalid_request state iss",
    authorizing({ code_challenge_method: "plain" }),
  ),
  line(
    "RFC 7636 §4.2: a challenge has 43 characters",
    "invalid_request state iss",
    authorizing({ code_challenge: "short" }),
  ),
  line(
    "OpenID Connect Core §3.1.2.1: prompt=none beside another value is invalid_request",
    "invalid_request state iss",
    authorizing({ prompt: "none login" }),
  ),
  line(
    "OpenID Connect Core §3.1.2.6: prompt=none with nobody signed in is login_required",
    "login_required state iss",
    (contender) =>
      atAuthorize(contender, request(contender, newProof().challenge, { prompt: "none" }), contender.stranger()),
  ),
  line(
    "OpenID Connect Core §3.1.2.1: prompt=none for somebody signed in, with consent, brings a code",
    "code state iss",
    authorizing({ prompt: "none" }),
  ),
  line(
    "OpenID Connect Core §3.1.2.1: prompt=login shows the form to somebody signed in, too",
    "page",
    authorizing({ prompt: "login" }),
  ),
  line(
    "OpenID Connect Core §3.1.2.1: max_age=0 with prompt=none is login_required",
    "login_required state iss",
    authorizing({ max_age: "0", prompt: "none" }),
  ),
  line(
    "RFC 9101 §4: a request object with alg none is refused",
    {
      ours: "invalid_request_object state iss",
      oracle: "request_not_supported state iss",
      because: "the oracle runs without request objects",
    },
    authorizing({
      request: `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from("{}").toString("base64url")}.`,
    }),
  ),
  line("RFC 6749 §3.1: a parameter that comes twice is refused", "invalid_request state iss", (contender) =>
    atAuthorize(contender, `${request(contender, newProof().challenge)}&nonce=another`),
  ),

  // the token endpoint: who asks
  line(
    "RFC 6749 §5.2: no client authentication is 401 invalid_client",
    {
      ours: "401 invalid_client",
      oracle: "400 invalid_request",
      because: "the oracle asks for a parameter first; RFC 6749 §5.2 names the missing authentication invalid_client",
    },
    async (contender) => outcome(await ask(contender, "token", { grant_type: "refresh_token", refresh_token: "x" })),
  ),
  line(
    "RFC 6749 §5.2: a wrong secret in the header is 401 invalid_client with a matching challenge",
    "401 invalid_client Basic",
    async (contender) => {
      const answer = await ask(
        contender,
        "token",
        { grant_type: "refresh_token", refresh_token: "x" },
        { id: contender.web.id, secret: "wrong" },
      );
      return `${outcome(answer)} ${String(answer.headers["www-authenticate"]).split(" ")[0]}`;
    },
  ),
  line(
    "RFC 6749 §5.2: an unknown grant type is unsupported_grant_type",
    "400 unsupported_grant_type",
    async (contender) => outcome(await ask(contender, "token", { grant_type: "magic" }, contender.web)),
  ),
  line("OAuth 2.1 §10: there is no password grant", "400 unsupported_grant_type", async (contender) =>
    outcome(await ask(contender, "token", { grant_type: "password", username: "ada", password: "x" }, contender.web)),
  ),
  line(
    "RFC 6749 §3.2: a parameter that comes twice is invalid_request",
    "400 invalid_request",
    redeeming((fields) => ({ ...fields, code_verifier: ["a", "b"] })),
  ),
  line("RFC 6749 §5.1: tokens and errors are never cached", "no-store no-store", async (contender) => {
    const { verifier, challenge } = newProof();
    const code = await newCode(contender, challenge);
    const good = await ask(contender, "token", redemption(contender, code, verifier), contender.web);
    const bad = await ask(contender, "token", { grant_type: "magic" }, contender.web);
    return `${good.headers["cache-control"]} ${bad.headers["cache-control"]}`;
  }),

  // codes
  line(
    "RFC 6749 §4.1.3: a code is redeemed",
    "200",
    redeeming((fields) => fields),
  ),
  line(
    "RFC 6749 §4.1.2: a code used twice is invalid_grant, and the tokens it gave are revoked",
    "200, 400 invalid_grant, inactive",
    async (contender) => {
      const { verifier, challenge } = newProof();
      const fields = redemption(contender, await newCode(contender, challenge), verifier);
      const first = await ask(contender, "token", fields, contender.web);
      const second = await ask(contender, "token", fields, contender.web);
      const { access_token = "" } = first.json<Record<string, string>>();
      return `${outcome(first)}, ${outcome(second)}, ${await active(contender, access_token)}`;
    },
  ),
  line(
    "RFC 7636 §4.6: a wrong verifier is invalid_grant",
    "400 invalid_grant",
    redeeming((fields) => ({ ...fields, code_verifier: newProof().verifier })),
  ),
  line(
    "RFC 7636 §4.6: a missing verifier is invalid_grant",
    "400 invalid_grant",
    redeeming(({ code_verifier: _left, ...fields }) => fields),
  ),
  line(
    "RFC 6749 §4.1.3: another redirect URI than the code's is invalid_grant",
    "400 invalid_grant",
    redeeming((fields) => ({ ...fields, redirect_uri: "http://localhost:9/elsewhere" })),
  ),
  line(
    "RFC 6749 §4.1.3: a redirect URI left out, though the request named it, is refused",
    {
      ours: "400 invalid_grant",
      oracle: "200",
      because: "the oracle lets it be left out where the client has one redirect URI only; RFC 6749 §4.1.3 requires it",
    },
    redeeming(({ redirect_uri: _left, ...fields }) => fields),
  ),
  line(
    "RFC 6749 §4.1.3: another client's code is invalid_grant",
    "400 invalid_grant",
    redeeming((fields) => fields, "other"),
  ),
  line("RFC 6749 §4.1.3: a code that never was is invalid_grant", "400 invalid_grant", async (contender) =>
    outcome(await ask(contender, "token", redemption(contender, "never", newProof().verifier), contender.web)),
  ),
  line(
    "RFC 6749 §4.1.3: a missing code is invalid_request",
    "400 invalid_request",
    redeeming(({ code: _left, ...fields }) => fields),
  ),

  // refresh tokens
  line("RFC 6749 §6: a refresh token is exchanged, and rotates", "200 another", async (contender) => {
    const { refresh_token } = await newTokens(contender);
    const answer = await refreshing(contender, refresh_token);
    return `${outcome(answer)} ${answer.json<Record<string, string>>()["refresh_token"] === refresh_token ? "the same" : "another"}`;
  }),
  line(
    "RFC 9700 §4.14.2: a refresh token used twice is invalid_grant, and the whole family is revoked",
    "400 invalid_grant, 400 invalid_grant, inactive",
    async (contender) => {
      const { refresh_token } = await newTokens(contender);
      const next = (await refreshing(contender, refresh_token)).json<Record<string, string>>();
      const again = await refreshing(contender, refresh_token);
      const after = await refreshing(contender, next["refresh_token"]);
      return `${outcome(again)}, ${outcome(after)}, ${await active(contender, next["access_token"] ?? "")}`;
    },
  ),
  line("RFC 6749 §6: a wider scope than was granted is invalid_scope", "400 invalid_scope", async (contender) => {
    const { refresh_token } = await newTokens(contender);
    return outcome(await refreshing(contender, refresh_token, { scope: `openid ${contender.scope}` }));
  }),
  line("RFC 6749 §6: another client's refresh token is invalid_grant", "400 invalid_grant", async (contender) => {
    const { refresh_token = "" } = await newTokens(contender);
    return outcome(await ask(contender, "token", { grant_type: "refresh_token", refresh_token }, contender.other));
  }),

  // ID tokens
  line(
    "OpenID Connect Core §2: an ID token has its issuer, audience, times and nonce",
    "iss aud exp iat nonce sub",
    async (contender) => {
      const { id_token = "" } = await newTokens(contender);
      const claims = decodeJwt(id_token);
      const marks = {
        iss: claims.iss === contender.issuer,
        aud: [claims.aud].flat().includes(contender.web.id),
        exp: Number(claims.exp) > Number(claims.iat),
        iat: typeof claims.iat === "number",
        nonce: claims["nonce"] === "a-nonce",
        sub: typeof claims.sub === "string" && claims.sub.length <= 255,
      };
      return Object.entries(marks)
        .filter(([, holds]) => holds)
        .map(([name]) => name)
        .join(" ");
    },
  ),
  line("OpenID Connect Core §2: with max_age the ID token has auth_time", "number", async (contender) => {
    const { verifier, challenge } = newProof();
    const code = await newCode(contender, challenge, { max_age: "3600" });
    const answer = await ask(contender, "token", redemption(contender, code, verifier), contender.web);
    return typeof decodeJwt(answer.json<{ id_token: string }>().id_token)["auth_time"];
  }),
  line(
    "OpenID Connect Core §12.2: a refreshed ID token keeps iss, sub, aud and auth_time",
    "iss sub aud auth_time",
    async (contender) => {
      const first = await newTokens(contender);
      const second = (await refreshing(contender, first["refresh_token"])).json<Record<string, string>>();
      const [before, after] = [decodeJwt(first["id_token"] ?? ""), decodeJwt(second["id_token"] ?? "")];
      return ["iss", "sub", "aud", "auth_time"]
        .filter((name) => JSON.stringify(before[name]) === JSON.stringify(after[name]))
        .join(" ");
    },
  ),
  line("OpenID Connect Core §2: the ID token is signed as the client is registered", "ES256", async (contender) => {
    const { id_token = "" } = await newTokens(contender);
    return String(decodeProtectedHeader(id_token).alg);
  }),

  // userinfo
  line("RFC 6750 §3.1: no token is 401 with a challenge and no error code", "401 Bearer", (contender) =>
    userinfo(contender, {}),
  ),
  line("RFC 6750 §3.1: a bad token is 401 invalid_token", "401 Bearer invalid_token", (contender) =>
    userinfo(contender, { authorization: "Bearer never" }),
  ),
  line(
    "OpenID Connect Core §5.3: the access token brings the subject of the ID token",
    "the same",
    async (contender) => {
      const { access_token, id_token = "" } = await newTokens(contender);
      const answer = await send(endpoint(contender, "userinfo"), {
        headers: { authorization: `Bearer ${access_token}` },
      });
      return answer.json<{ sub: string }>().sub === decodeJwt(id_token).sub ? "the same" : "another";
    },
  ),
  line("OpenID Connect Core §5.3.1: POST is answered, too", "200", async (contender) => {
    const { access_token } = await newTokens(contender);
    const answer = await send(endpoint(contender, "userinfo"), {
      method: "POST",
      headers: { authorization: `Bearer ${access_token}` },
    });
    return String(answer.status);
  }),

  // introspection and revocation
  line(
    "RFC 7662 §2.1: the caller is authenticated, else 401",
    { ours: "401 invalid_client", oracle: "400 invalid_request", because: "as at the token endpoint" },
    async (contender) => outcome(await ask(contender, "introspection", { token: "x" })),
  ),
  line("RFC 7662 §2.2: what is unknown is inactive, and nothing else is said", "inactive", (contender) =>
    active(contender, "never"),
  ),
  line("RFC 7662 §2.2: a live access token is active", "active", async (contender) =>
    active(contender, (await newTokens(contender))["access_token"] ?? ""),
  ),
  line("RFC 7009 §2.2: an unknown token is 200", "200", async (contender) =>
    outcome(await ask(contender, "revocation", { token: "never" }, contender.web)),
  ),
  line("RFC 7009 §2.1: a missing token is 400", "400 invalid_request", async (contender) =>
    outcome(await ask(contender, "revocation", {}, contender.web)),
  ),
  line("RFC 7009 §2.1: a wrong hint is ignored", "200, inactive", async (contender) => {
    const { access_token = "" } = await newTokens(contender);
    const answer = await ask(
      contender,
      "revocation",
      { token: access_token, token_type_hint: "refresh_token" },
      contender.web,
    );
    return `${outcome(answer)}, ${await active(contender, access_token)}`;
  }),
  line(
    "RFC 7009 §2.1: a revoked refresh token takes its access tokens along",
    "200, 400 invalid_grant, inactive",
    async (contender) => {
      const { access_token = "", refresh_token = "" } = await newTokens(contender);
      const answer = await ask(contender, "revocation", { token: refresh_token }, contender.web);
      return `${outcome(answer)}, ${outcome(await refreshing(contender, refresh_token))}, ${await active(contender, access_token)}`;
    },
  ),

  // pushed authorization requests
  line(
    "RFC 9126 §2.2: a pushed request is answered 201, and brings a code",
    "201, code state iss",
    async (contender) => {
      const pushed = await push(contender);
      const { request_uri } = pushed.json<{ request_uri: string }>();
      const url = `${endpoint(contender, "authorization")}?${new URLSearchParams({ client_id: contender.web.id, request_uri })}`;
      return `${outcome(pushed)}, ${await atAuthorize(contender, url)}`;
    },
  ),
  line(
    "RFC 9126 §7.3: a pushed request that was finished is not taken again",
    {
      ours: "page 400",
      oracle: "invalid_request_uri iss",
      because:
        "what it would have been sent to is no longer known to us either: nothing of a finished request is believed",
    },
    async (contender) => {
      const { request_uri } = (await push(contender)).json<{ request_uri: string }>();
      const url = `${endpoint(contender, "authorization")}?${new URLSearchParams({ client_id: contender.web.id, request_uri })}`;
      await atAuthorize(contender, url);
      return atAuthorize(contender, url);
    },
  ),
  line(
    "RFC 9126 §2.1: request_uri cannot be pushed",
    {
      ours: "400 invalid_request",
      oracle: "400 request_uri_not_supported",
      because: "RFC 9126 §2.1 says only that it must not be provided",
    },
    async (contender) => outcome(await push(contender, { request_uri: "urn:x" })),
  ),
  line("RFC 9126 §2.3: a pushed request is judged at once", "400 invalid_request", async (contender) =>
    outcome(await push(contender, { code_challenge_method: "plain" })),
  ),
  line(
    "RFC 9126 §2: GET is refused",
    { ours: "405", oracle: "404", because: "RFC 9126 §2.3 answers other methods 405" },
    async (contender) => outcome(await send(endpoint(contender, "pushed_authorization_request"))),
  ),

  // device flow
  line(
    "RFC 8628 §3.2: the device is given its codes",
    "device_code user_code verification_uri expires_in",
    async (contender) => {
      const answer = (await device(contender)).json<Record<string, unknown>>();
      return ["device_code", "user_code", "verification_uri", "expires_in"]
        .filter((name) => answer[name] !== undefined)
        .join(" ");
    },
  ),
  line(
    "RFC 8628 §3.5: nobody has agreed yet: authorization_pending",
    "400 authorization_pending",
    async (contender) => {
      const { device_code } = (await device(contender)).json<{ device_code: string }>();
      return outcome(await poll(contender, device_code));
    },
  ),
  line("RFC 8628 §3.5: another client's device code is invalid_grant", "400 invalid_grant", async (contender) => {
    const { device_code } = (await device(contender)).json<{ device_code: string }>();
    return outcome(await poll(contender, device_code, contender.other));
  }),

  // DPoP
  line("RFC 9449 §5: a malformed proof is invalid_dpop_proof", "400 invalid_dpop_proof", async (contender) => {
    const { verifier, challenge } = newProof();
    const sent = formOf(redemption(contender, await newCode(contender, challenge), verifier));
    const authorization = `Basic ${Buffer.from(`${contender.web.id}:${contender.web.secret}`).toString("base64")}`;
    return outcome(
      await send(endpoint(contender, "token"), {
        ...sent,
        headers: { ...sent.headers, authorization, dpop: "not.a.proof" },
      }),
    );
  }),

  // metadata
  line("RFC 8414 §3.3, Discovery §4.3: the issuer in the document is the issuer", "the same", async (contender) =>
    contender.metadata["issuer"] === contender.issuer ? "the same" : String(contender.metadata["issuer"]),
  ),
  line("RFC 8414 §2: PKCE methods are advertised", "S256", async (contender) =>
    String(contender.metadata["code_challenge_methods_supported"]),
  ),
  line("RFC 9207 §3: iss in responses is advertised", "true", async (contender) =>
    String(contender.metadata["authorization_response_iss_parameter_supported"]),
  ),
  line("OpenID Connect Core §3.1.3.6: at_hash, where it is sent, is the access token's", "right", async (contender) => {
    const { access_token = "", id_token = "" } = await newTokens(contender);
    const { at_hash } = decodeJwt(id_token);
    const half = createHash("sha256").update(access_token).digest().subarray(0, 16).toString("base64url");
    return at_hash === undefined || at_hash === half ? "right" : "wrong";
  }),
];

const push = (contender: Contender, more: Readonly<Record<string, string>> = {}) =>
  ask(
    contender,
    "pushed_authorization_request",
    { ...Object.fromEntries(new URL(request(contender, newProof().challenge)).searchParams), ...more },
    contender.web,
  );

const device = (contender: Contender) => ask(contender, "device_authorization", { scope: "openid" }, contender.web);

const poll = (contender: Contender, device_code: string, as = contender.web) =>
  ask(contender, "token", { grant_type: "urn:ietf:params:oauth:grant-type:device_code", device_code }, as);
