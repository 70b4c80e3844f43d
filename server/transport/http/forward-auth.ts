/**
 * Forward authentication: before nginx (`auth_request`), Caddy (`forward_auth`) or Traefik (ForwardAuth) passes a request on, it asks here.
 * 200 lets it pass, with headers that say whom it stands for; 401 and 403 refuse it; what cannot be decided is 503. None of the three lets
 * anything but a 2xx pass.
 *
 * What the sub-request says about the request is the gateway's word, so that the gateway says who it is, in a header that it sets itself:
 *
 *     Countersign-Gateway: cs_api_…
 *     Countersign-Gateway: cs_api_…; permission=payouts:read; resource=accounts/{id}; path=/accounts/{id}/payouts
 *
 * A rule may stand beside the credential, and nowhere else: gateways pass the client's own headers on, and Caddy its query too, so that a rule
 * in either could be the client's. So may the word that the gateway writes `X-Forwarded-For` itself, which anybody else could have written:
 *
 *     Countersign-Gateway: cs_api_…; address=x-forwarded-for
 */
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import { headersOf, identityHeaders } from "../../decisions/edge/identity.ts";
import { judge, onlyOne } from "../../decisions/edge/judge.ts";
import type { Edge, EdgeAnswer, EdgeQuestion } from "../../decisions/edge/model.ts";
import type { HeaderLine, SentRequest } from "../../decisions/edge/request-target.ts";
import { dpopNonceHeaders, type NonceNeeds } from "../../oauth/dpop/nonces.ts";
import { forwardedHops } from "../../platform/web/address.ts";
import type { WebRequest, WebResponse } from "../../platform/web/request.ts";
import { readBearer } from "../../tokens/bearer.ts";
import type { Presented } from "../../tokens/presented.ts";
import { problem } from "./problem.ts";
import type { WebRoute } from "./routes.ts";

export const forwardAuthPath = "/access/v1/forward-auth";
const gatewayHeader = "countersign-gateway";

/** The sub-request is a GET, unless a gateway is told to keep the method. */
export const forwardAuthRoutes = (edge: Edge & NonceNeeds): readonly WebRoute[] =>
  (["GET", "POST", "PUT", "PATCH", "DELETE"] as const).map((method) => ({
    kind: "web",
    method,
    path: forwardAuthPath,
    policy: { client: "the gateway shows its own credential in `Countersign-Gateway`" },
    handle: (request) => forwardAuth(edge, request),
    refuse: (failure, requestId) => refusal(failure, requestId),
  }));

const forwardAuth = async (edge: Edge & NonceNeeds, request: WebRequest): Promise<WebResponse> => {
  const lines = linesOf(request.rawHeaders ?? []);
  const answer = await judge(edge, questionOf(edge, lines));
  const response = responseOf(answer, request.requestId);
  // RFC 9449 §8.2: whoever sends proofs is given the nonce of now, if the gateway passes it on.
  const nonce = lines.some(([name]) => name === "dpop") ? dpopNonceHeaders(edge) : {};
  return { ...response, headers: { ...response.headers, ...nonce } };
};

const linesOf = (raw: readonly string[]): readonly HeaderLine[] =>
  raw.flatMap((text, at) => (at % 2 === 0 ? [[text.toLowerCase(), raw[at + 1] ?? ""] as const] : []));

const questionOf = (edge: Edge, lines: readonly HeaderLine[]): EdgeQuestion => {
  const said = gatewayOf(lines);
  if (isFault(said)) return { gateway: said, sent: said, rule: undefined };
  const client = clientOf(edge, said.address, lines);
  const sent = isFault(client) ? client : sentOf(lines, client.address);
  return { gateway: said.presented, rule: said.rule, sent };
};

// ── who asks ──

const noGateway = fault(
  "unauthenticated",
  "the gateway has to show a credential of its own in the header `Countersign-Gateway`",
);
const badGateway = fault(
  "invalid_token",
  "the header `Countersign-Gateway` holds no token, or is there more than once",
);

type Said = {
  readonly presented: Presented;
  readonly rule: Readonly<Record<string, string>> | undefined;
  /** What it says of where the client's address stands; undefined where it says nothing. */
  readonly address: string | undefined;
};

const gatewayOf = (lines: readonly HeaderLine[]): Result<Said> => {
  const value = onlyOne(lines, gatewayHeader);
  if (isFault(value)) return badGateway;
  if (value === undefined || value === "") return noGateway;
  const [token = "", ...fields] = value.split(";").map((one) => one.trim());
  const presented = readBearer(`Bearer ${token}`);
  if (isFault(presented)) return badGateway;
  const { address, ...rule } = fieldsIn(fields);
  const isOnlyAddress = fields.length === 0 || (fields.length === 1 && address !== undefined);
  return { presented, rule: isOnlyAddress ? undefined : rule, address };
};

/** A name that is there twice leaves nothing of them, which is no rule, and refuses the request. */
const fieldsIn = (fields: readonly string[]): Readonly<Record<string, string>> => {
  const pairs = fields.map((one) => {
    const equals = one.indexOf("=");
    return [one.slice(0, Math.max(equals, 0)), one.slice(equals + 1)] as const;
  });
  const names = new Set(pairs.map(([name]) => name));
  return names.size === pairs.length ? Object.fromEntries(pairs) : {};
};

// ── about which request ──

const gatewaySays = (what: string): Fault => fault("permission_denied", `the gateway is not set up: ${what}`);

/**
 * `X-Original-Method` and `X-Original-URI`, which nginx is configured to send, or `X-Forwarded-Method` and `X-Forwarded-Uri`, which Caddy and
 * Traefik send of themselves; and `X-Forwarded-Host` and `X-Forwarded-Proto`. Who has one pair cannot tell that the client sent the other,
 * and who leaves out one of the four leaves it to the client: either is refused.
 */
const sentOf = (lines: readonly HeaderLine[], address: string | undefined): Result<SentRequest> => {
  const has = (name: string): boolean => lines.some(([one]) => one === name);
  const ofNginx = has("x-original-method") || has("x-original-uri");
  if (ofNginx && (has("x-forwarded-method") || has("x-forwarded-uri")))
    return gatewaySays("both `X-Original-…` and `X-Forwarded-…` say what was asked for; the gateway must remove one");
  const pair = ofNginx ? (["x-original-method", "x-original-uri"] as const) : forwardedPair;
  const names = [...pair, "x-forwarded-host", "x-forwarded-proto"];
  const values: string[] = [];
  for (const name of names) {
    const value = onlyOne(lines, name);
    if (isFault(value)) return value;
    if (value === undefined || value === "") return gatewaySays(`it does not send \`${name}\``);
    values.push(value);
  }
  const [method = "", uri = "", host = "", scheme = ""] = values;
  return { method, uri, host, scheme, lines, address };
};
const forwardedPair = ["x-forwarded-method", "x-forwarded-uri"] as const;

const forwardedFor = "x-forwarded-for";

/** Without an address, unless the gateway vouches for the header that it stands in. */
const clientOf = (
  { clientAt }: Edge,
  said: string | undefined,
  lines: readonly HeaderLine[],
): Result<{ readonly address: string | undefined }> => {
  if (said === undefined) return { address: undefined };
  if (said !== forwardedFor) return gatewaySays(`\`address\` beside its credential can only be \`${forwardedFor}\``);
  const value = onlyOne(lines, forwardedFor);
  if (isFault(value)) return value;
  if (value === undefined || value === "") return gatewaySays(`it does not send \`${forwardedFor}\``);
  const address = clientAt(forwardedHops(value));
  return address === undefined ? gatewaySays(`there is no address in its \`${forwardedFor}\``) : { address };
};

// ── what it is told ──

/** All of them are there, if empty: a gateway that copies what it gets then overwrites what the client sent under the same name. */
const everyHeader = Object.fromEntries(identityHeaders.map((name) => [name, ""]));

const responseOf = (answer: EdgeAnswer, requestId: string): WebResponse => {
  switch (answer.at) {
    case "permit":
      return {
        status: 200,
        headers: {
          "cache-control": "no-store",
          ...everyHeader,
          ...Object.fromEntries(headersOf(answer.identity, requestId)),
        },
        body: "",
      };
    case "refuse":
      return refusal(answer.failure, requestId);
    case "gateway": {
      // The client is answered with this too, and must not take it for a word about its own token.
      const { status, headers, body } = refusal(answer.failure, requestId);
      const { "www-authenticate": _, ...rest } = headers;
      const challenge = status === 401 ? { "www-authenticate": 'Countersign-Gateway realm="countersign"' } : {};
      return { status, headers: { ...rest, ...challenge }, body };
    }
  }
};

const refusal = (failure: Fault, requestId: string): WebResponse => problem(failure, requestId, forwardAuthPath);
