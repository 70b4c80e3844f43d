/** The authorization endpoint, pushed requests, the device flow and the metadata, as lines. */
import { createHash } from "node:crypto";
import { decodeJwt } from "jose";
import { formOf, send } from "../oauth/http.ts";
import { endpoint, newCode, newProof, newTokens, outcome, redemption, request } from "./contender.ts";
import { type Line, line } from "./line.ts";
import { atAuthorize, authorizing, device, poll, push } from "./probes.ts";

export const authorizationLines: readonly Line[] = [
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

  // pushed authorization requests
  line(
    "RFC 9126 §2.2: a pushed request is answered 201, and brings a code",
    "201, code state iss",
    async (contender) => {
      const pushed = await push(contender);
      const { request_uri } = pushed.json<{ request_uri: string }>();
      const url = `${endpoint(contender, "authorization")}?${new URLSearchParams({ client_id: contender.web.id, request_uri }).toString()}`;
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
      const url = `${endpoint(contender, "authorization")}?${new URLSearchParams({ client_id: contender.web.id, request_uri }).toString()}`;
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
