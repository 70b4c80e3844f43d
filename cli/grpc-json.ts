/**
 * Calls a gRPC method with JSON in and JSON out, as grpcurl does, from the generated definitions: no reflection, no .proto at hand.
 * `countersign grpc identity.v1.Identity/CheckPermission '{ "principal": "users/…", "permission": "flows:read" }'`
 */
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { AuthorizationDefinition } from "../server/transport/grpc/generated/envoy/service/auth/v3/external_auth.ts";
import { IdentityDefinition } from "../server/transport/grpc/generated/identity/v1/identity.ts";

export type JsonCall = {
  /** `host:port`. */
  readonly address: string;
  /** `identity.v1.Identity/CheckPermission`. */
  readonly method: string;
  /** The request in the protobuf JSON mapping; `snake_case` names are understood too. */
  readonly json: unknown;
  /** What goes beside it, e.g. `{ authorization: "Bearer …" }`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** PEM. `ca` is trusted in place of the system's roots; `cert` and `key` present a client certificate. Absent: plain text. */
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
  /** How long to wait. Ten seconds unless told. */
  readonly timeoutMs?: number;
};

/** The answer, or a gRPC status by name with its message; `code` and `requestId` where the server sent them. */
export type JsonAnswer =
  | { readonly ok: unknown }
  | { readonly status: string; readonly message: string; readonly code?: string; readonly requestId?: string };

const timeout_ms = 10_000;

type Codec = {
  readonly name: string;
  readonly requestType: {
    fromJSON(json: unknown): unknown;
    toJSON(message: unknown): unknown;
    encode(message: unknown): { finish(): Uint8Array };
  };
  readonly responseType: { decode(bytes: Uint8Array): unknown };
};

/** By `service/Method`. */
const codecs: ReadonlyMap<string, Codec> = new Map(
  [IdentityDefinition, AuthorizationDefinition].flatMap(({ fullName, methods }) =>
    Object.values(methods).map((codec: Codec) => [`${fullName}/${codec.name}`, codec] as const),
  ),
);

/** Calls and answers; never throws for what the server or the network does, nor for a request that is no such message. */
export const callJson = async (call: JsonCall): Promise<JsonAnswer> => {
  const codec = codecs.get(call.method);
  if (codec === undefined) {
    const known = [...codecs.keys()].join(", ");
    return { status: "UNIMPLEMENTED", message: `there is no method \`${call.method}\`; there are ${known}` };
  }
  const request = readRequest(codec, call.json);
  if ("message" in request) return { status: "INVALID_ARGUMENT", message: request.message };

  const client = new Client(call.address, channelCredentials(call.tls));
  try {
    return { ok: plain(await unary(client, codec, request.value, call)) };
  } catch (thrown) {
    return failureOf(thrown);
  } finally {
    client.close();
  }
};

const unary = (client: Client, codec: Codec, request: unknown, call: JsonCall): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(call.metadata ?? {})) metadata.set(key, value);
    client.makeUnaryRequest<unknown, unknown>(
      `/${call.method}`,
      (message) => Buffer.from(codec.requestType.encode(message).finish()),
      (bytes) => codec.responseType.decode(bytes),
      request,
      metadata,
      { deadline: Date.now() + (call.timeoutMs ?? timeout_ms) },
      (error, response) => (error === null ? resolve(response) : reject(error)),
    );
  });

const channelCredentials = (tls: JsonCall["tls"]) =>
  tls === undefined ? credentials.createInsecure() : credentials.createSsl(tls.ca, tls.key, tls.cert);

const readRequest = ({ requestType, name }: Codec, json: unknown): { value: unknown } | { message: string } => {
  if (!isRecord(json)) return { message: `the request of ${name} is a JSON object` };
  try {
    const value = requestType.fromJSON(json);
    const unread = lost(json, requestType.toJSON(value), "$");
    return unread.length === 0
      ? { value }
      : { message: `${name} has no field ${unread.map((at) => `\`${at}\``).join(", ")}` };
  } catch (thrown) {
    return { message: `the request is not what ${name} takes: ${messageOf(thrown)}` };
  }
};

/** The places in the input that the message did not keep. Generated `fromJSON` skips what it does not know; a typing error should not be. */
const lost = (given: unknown, kept: unknown, path: string): readonly string[] => {
  if (Array.isArray(given))
    return given.flatMap((item, at) => lost(item, Array.isArray(kept) ? kept[at] : undefined, `${path}[${at}]`));
  if (!isRecord(given)) return [];
  return Object.entries(given).flatMap(([key, value]) => {
    const found = isRecord(kept) ? (kept[key] ?? kept[camelCase(key)]) : undefined;
    if (found !== undefined) return lost(value, found, `${path}.${key}`);
    return isDefault(value) ? [] : [`${path}.${key}`]; // a default is not written, so it cannot be missed
  });
};

const isDefault = (value: unknown): boolean =>
  value === null ||
  value === "" ||
  value === 0 ||
  value === false ||
  (typeof value === "object" && Object.keys(value).length === 0);

const camelCase = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** A decoded message as JSON: empty fields left out as the mapping does, but `false` kept, since here it is usually the answer. */
const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries(value);
  if (!isRecord(value)) return value;
  const shown = Object.entries(value).filter(([, field]) => !isAbsent(field));
  return Object.fromEntries(shown.map(([key, field]) => chosen(field) ?? [key, plain(field)]));
};

/** A oneof is shown as the one field that is set. */
const chosen = (field: unknown): readonly [string, unknown] | undefined => {
  if (!isRecord(field) || typeof field["$case"] !== "string") return undefined;
  return [field["$case"], plain(field[field["$case"]])];
};

const isAbsent = (field: unknown): boolean =>
  field === undefined ||
  field === "" ||
  field === 0 ||
  (Array.isArray(field) && field.length === 0) ||
  (field instanceof Map && field.size === 0);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

const failureOf = (thrown: unknown): JsonAnswer => {
  if (!isServiceError(thrown)) return { status: "UNKNOWN", message: messageOf(thrown) };
  const [code] = thrown.metadata.get("countersign-code");
  const [requestId] = thrown.metadata.get("countersign-request-id");
  return {
    status: status[thrown.code] ?? "UNKNOWN",
    message: thrown.details,
    ...(code === undefined ? {} : { code: String(code) }),
    ...(requestId === undefined ? {} : { requestId: String(requestId) }),
  };
};

const isServiceError = (thrown: unknown): thrown is ServiceError =>
  thrown instanceof Error &&
  "code" in thrown &&
  typeof thrown.code === "number" &&
  "details" in thrown &&
  "metadata" in thrown;
