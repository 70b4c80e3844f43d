/**
 * Envoy's external authorization (`envoy.service.auth.v3.Authorization/Check`): Envoy asks before it passes a request on.
 *
 * Envoy shows a credential of its own with the call, as every gRPC caller does; a call without a good one fails, and so does one whose principal
 * may not ask. Everything else is an answer: what cannot be decided is a denial with 503, and not a failed call, since a filter with
 * `failure_mode_allow` takes a failed call for a yes.
 */
import { type Fault, faults, isFault, type Result } from "../../../core/faults.ts";
import { headersOf, identityHeaders, isOurs } from "../../decisions/edge/identity.ts";
import { judge } from "../../decisions/edge/judge.ts";
import type { Edge, EdgeAnswer, Identity } from "../../decisions/edge/model.ts";
import { ruleFields } from "../../decisions/edge/read-rule.ts";
import type { HeaderLine, SentRequest } from "../../decisions/edge/request-target.ts";
import { dpopNonceHeaders, type NonceNeeds } from "../../oauth/dpop/nonces.ts";
import { forwardedHops } from "../../platform/web/address.ts";
import { faultOf } from "../http/error-faults.ts";
import { problem } from "../http/problem.ts";
import type {
  AttributeContext,
  AttributeContext_HttpRequest,
  CheckResponse,
  HeaderValueOption,
} from "./generated/envoy/service/auth/v3/external_auth.ts";
import { callerOfCall } from "./identity.ts";
import type { ExtAuthzHandlers } from "./routes.ts";

const overwrite = 2;

export const extAuthzHandlers = (edge: Edge & NonceNeeds): ExtAuthzHandlers => ({
  check: async ({ attributes }, call) => {
    const gateway = callerOfCall(call);
    if (isFault(gateway)) return gateway;
    const sent = sentOf(edge, attributes);
    const rule = ruleOf(attributes);
    const { requestId } = call;
    const answer: EdgeAnswer = await judge(edge, { gateway, sent, rule }).catch((thrown: unknown) => ({
      at: "refuse",
      failure: faultOf(edge.platform.log, thrown, requestId),
    }));
    return responseTo(edge, sent, answer, requestId);
  },
});

/** An empty request is refused for its method, like any other that has none. */
const sentOf = ({ clientAt }: Edge, attributes: AttributeContext | undefined): SentRequest => {
  const http = attributes?.request?.http;
  const lines = linesOf(http);
  return {
    method: http?.method ?? "",
    uri: http?.path ?? "",
    host: http?.host ?? "",
    scheme: http?.scheme ?? "",
    lines,
    address: clientAt(hopsOf(attributes, lines)),
  };
};

/** Envoy's `source` is who connected to it. What stands in the header counts only where that is a proxy of our own, which wrote it. */
const hopsOf = (attributes: AttributeContext | undefined, lines: readonly HeaderLine[]): readonly string[] => {
  const address = attributes?.source?.address?.socketAddress?.address ?? "";
  const forwarded = lines.filter(([name]) => name === "x-forwarded-for").map(([, value]) => value);
  return [address, ...(forwarded.length === 0 ? [] : forwardedHops(forwarded.join(",")))];
};

const linesOf = (http: AttributeContext_HttpRequest | undefined): readonly HeaderLine[] => {
  const raw = http?.headerMap?.headers ?? [];
  const named = raw.map(
    ({ key, value, rawValue }): HeaderLine => [
      key.toLowerCase(),
      rawValue.length > 0 ? Buffer.from(rawValue).toString("latin1") : value,
    ],
  );
  return [...named, ...[...(http?.headers ?? [])].map(([key, value]): HeaderLine => [key.toLowerCase(), value])];
};

/** What the route's `context_extensions` say that is a rule's; undefined where none of it is. */
const ruleOf = (attributes: AttributeContext | undefined): Readonly<Record<string, string>> | undefined => {
  const given = [...(attributes?.contextExtensions ?? [])].filter(([name]) => ruleNames.has(name));
  return given.length === 0 ? undefined : Object.fromEntries(given);
};
const ruleNames: ReadonlySet<string> = new Set([...ruleFields, "path"]);

const responseTo = (
  edge: NonceNeeds,
  sent: SentRequest,
  answer: EdgeAnswer,
  requestId: string,
): Result<CheckResponse> => {
  const nonce = sent.lines.some(([name]) => name === "dpop") ? Object.entries(dpopNonceHeaders(edge)) : [];
  switch (answer.at) {
    case "gateway":
      return answer.failure;
    case "permit":
      return permitted(sent, answer.identity, requestId, nonce);
    case "refuse":
      return denied(sent, answer.failure, requestId, nonce);
  }
};

const permitted = (
  { lines }: SentRequest,
  identity: Identity | undefined,
  requestId: string,
  nonce: readonly HeaderLine[],
): CheckResponse => {
  const headers = headersOf(identity, requestId);
  const set = new Set(headers.map(([name]) => name));
  // Envoy removes after it has set, so that what is set is overwritten and only the rest of what could pass for ours is removed.
  const ours = [...identityHeaders, ...lines.flatMap(([name]) => (isOurs(name) ? [name] : []))];
  return {
    status: { code: 0, message: "" },
    httpResponse: {
      $case: "okResponse",
      okResponse: {
        headers: headers.map(option),
        headersToRemove: [...new Set(ours)].filter((name) => !set.has(name)),
        responseHeadersToAdd: nonce.map(option),
      },
    },
  };
};

const denied = (
  { uri }: SentRequest,
  failure: Fault,
  requestId: string,
  nonce: readonly HeaderLine[],
): CheckResponse => {
  const { status, headers, body } = problem(failure, requestId, uri.split("?", 1)[0] ?? "");
  return {
    status: { code: faults[failure.fault].grpc, message: failure.fault },
    httpResponse: {
      $case: "deniedResponse",
      deniedResponse: {
        status: { code: status },
        headers: [...Object.entries(headers), ...nonce, ["request-id", requestId] as const].map(option),
        body,
      },
    },
  };
};

const option = ([key, value]: HeaderLine): HeaderValueOption => ({
  header: { key, value, rawValue: new Uint8Array() },
  appendAction: overwrite,
  keepEmptyValue: false,
});
