/**
 * Envoy's question, written by hand as Envoy writes it, field by field and octet by octet, with what Envoy sends besides the fields that are
 * read (envoy/service/auth/v3/attribute_context.proto); and Envoy's call, made by a gRPC client.
 */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Client, credentials, Metadata } from "@grpc/grpc-js";

export type Texts = Readonly<Record<string, string>>;
export type Sent = {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly scheme?: string;
  readonly headers?: Texts;
  /** As with `encode_raw_headers`: in place of `headers`. */
  readonly raw?: readonly (readonly [string, string])[];
  readonly extensions?: Texts;
  /** Where the connection came from: an address, or `pipe:` and a path. */
  readonly source?: string;
};

/** A length-delimited field. */
const field = (number: number, value: Uint8Array | string): Uint8Array => {
  const writer = new BinaryWriter().uint32((number << 3) | 2);
  return (typeof value === "string" ? writer.string(value) : writer.bytes(value)).finish();
};
const message = (...fields: readonly (Uint8Array | readonly Uint8Array[])[]): Uint8Array =>
  Buffer.concat(fields.flat());
const mapOf = (number: number, entries: Texts): readonly Uint8Array[] =>
  Object.entries(entries).map(([key, value]) => field(number, message(field(1, key), field(2, value))));
const varint = (number: number, value: number): Uint8Array =>
  new BinaryWriter()
    .uint32(number << 3)
    .int32(value)
    .finish();

/** CheckRequest as Envoy sends it, the fields that are not read included: peers, time, id, size, protocol, metadata, TLS. */
export const checkRequest = ({
  method = "GET",
  path = "/",
  host = "api.example.com",
  scheme = "https",
  headers = {},
  raw,
  extensions = {},
  source = "203.0.113.7",
}: Sent) => {
  const address = source.startsWith("pipe:")
    ? field(2, field(1, source.slice("pipe:".length)))
    : field(1, message(field(2, source), varint(3, 51234)));
  const peer = message(field(1, address), field(4, "spiffe://mesh.example/client"));
  const own = message(field(1, field(1, message(field(2, "10.0.0.1"), varint(3, 443)))));
  const lines = {
    ":authority": host,
    ":method": method,
    ":path": path,
    ":scheme": scheme,
    "x-request-id": "4e0e",
    ...headers,
  };
  const http = message(
    field(1, "13359530607844510314"),
    field(2, method),
    raw === undefined ? mapOf(3, lines) : [],
    field(4, path),
    field(5, host),
    field(6, scheme),
    varint(8 + 1, 17),
    field(10, "HTTP/2"),
    field(11, "a body"),
    raw === undefined
      ? []
      : field(
          13,
          message(raw.map(([key, value]) => field(1, message(field(1, key), field(3, Buffer.from(value, "latin1")))))),
        ),
  );
  const request = message(field(1, message(varint(1, 1_700_000_000), varint(2, 7))), field(2, http));
  const attributes = message(
    field(1, peer),
    field(2, own),
    field(4, request),
    mapOf(10, extensions),
    field(11, message(mapOf(1, {}))),
    field(12, field(1, "api.example.com")),
    field(13, new Uint8Array()),
  );
  return message(field(1, attributes));
};

/** As Envoy calls: with a credential of its own in the metadata, or without one. */
export const envoyAt = (port: number) => {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    call: (request: Uint8Array, gateway: string | undefined): Promise<Buffer> =>
      new Promise((resolve, reject) => {
        const metadata = new Metadata();
        if (gateway !== undefined) metadata.set("authorization", gateway);
        client.makeUnaryRequest<Uint8Array, Buffer>(
          "/envoy.service.auth.v3.Authorization/Check",
          (bytes) => Buffer.from(bytes),
          (bytes) => bytes,
          request,
          metadata,
          { deadline: Date.now() + 10_000 },
          (error, answer) => (error === null && answer !== undefined ? resolve(answer) : reject(error)),
        );
      }),
    close: () => client.close(),
  };
};
