/** The token endpoint, ID tokens, userinfo, introspection and revocation, as lines. */

import { decodeJwt, decodeProtectedHeader } from "jose";
import { send } from "../oauth/http.ts";
import { ask, endpoint, newCode, newProof, newTokens, outcome, redemption } from "./contender.ts";
import { type Line, line } from "./line.ts";
import { active, redeeming, refreshing, userinfo } from "./probes.ts";

export const tokenLines: readonly Line[] = [
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
];
