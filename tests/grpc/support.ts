// What the gRPC tests share: a set of handlers that stands for the application at this one seam, a server on a free port, and a client.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { type CallOptions, type ChannelCredentials, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { fault } from "../../core/faults.ts";
import { systemClock } from "../../server/platform/clock.ts";
import { silentLog } from "../../server/platform/log.ts";
import {
  type CheckPermissionRequest,
  type CheckPermissionResponse,
  IdentityClient,
} from "../../server/transport/grpc/generated/identity/v1/identity.ts";
import { type IdentityHandlers, identityRoutes } from "../../server/transport/grpc/routes.ts";
import { type GrpcOptions, type GrpcServer, startGrpc } from "../../server/transport/grpc/server.ts";

const later = async () => fault("unsupported_grant_type", "not asked for in these tests");

export const permitted: CheckPermissionResponse = {
  allowed: true,
  reasons: [
    {
      code: "role",
      text: "the role `member` permits it",
      role: "member",
      assignment: "",
      anchor: "",
      grant: "",
      level: "",
      via: "",
      condition: "",
    },
  ],
  obligations: [],
  decidedAtVersion: "",
};

export const inactive = {
  active: false,
  subject: "",
  tenantId: "",
  principalKind: "",
  clientId: "",
  scopes: [],
  audience: [],
  expiresAt: 0,
  issuedAt: 0,
  tokenId: "",
  tokenType: "",
  issuer: "",
  actor: "",
  credentialId: "",
  confirmation: undefined,
  acr: "",
  authTime: 0,
};

/** Handlers that permit everything and know no token, but for those a test replaces. */
export const handlersWith = (own: Partial<IdentityHandlers>): IdentityHandlers => ({
  introspectToken: async () => inactive,
  checkPermission: async () => permitted,
  batchCheckPermissions: async ({ checks }) => ({
    results: checks.map(() => ({ result: { $case: "response", response: permitted } })),
  }),
  explainPermission: later,
  listResources: later,
  listSubjects: later,
  listActions: later,
  registerUser: later,
  issueToken: later,
  revokeToken: async () => ({}),
  ...own,
});

export const optionsWith = (own: Partial<IdentityHandlers>, more: Partial<GrpcOptions> = {}): GrpcOptions => ({
  host: "127.0.0.1",
  port: 0,
  maxConnectionAgeMs: 600_000,
  maxConnectionAgeGraceMs: 10_000,
  routes: identityRoutes(handlersWith(own)),
  reflection: true,
  log: silentLog,
  clock: systemClock,
  monotonicMs: () => performance.now(),
  ...more,
});

/** A server that is gone when the test ends, whatever it left open. */
export const serve = async (
  t: TestContext,
  own: Partial<IdentityHandlers> = {},
  more: Partial<GrpcOptions> = {},
): Promise<GrpcServer> => {
  const server = await startGrpc(optionsWith(own, more));
  t.after(() => server.drain(0));
  return server;
};

export const connectTo = (
  t: TestContext,
  port: number,
  creds: ChannelCredentials = credentials.createInsecure(),
  host = "127.0.0.1",
): IdentityClient => {
  // Each client its own connection: grpc-js would share one between clients of the same address.
  const client = new IdentityClient(`${host}:${port}`, creds, { "grpc.use_local_subchannel_pool": 1 });
  t.after(() => client.close());
  return client;
};

export const question = (more: Partial<CheckPermissionRequest> = {}): CheckPermissionRequest => ({
  subject: { $case: "principal", principal: "users/5d0c0000-0000-4000-8000-000000000001" },
  tenant: "",
  permission: "flows:read",
  resource: "",
  parent: "",
  context: new Map(),
  acr: "",
  atLeastAsFresh: "",
  attributesJson: "",
  ...more,
});

export const metadataOf = (entries: Readonly<Record<string, string>>): Metadata => {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(entries)) metadata.set(key, value);
  return metadata;
};

export const bearer = metadataOf({ authorization: "Bearer token" });

/** A check that resolves with the answer or with the gRPC error. */
export const check = (
  client: IdentityClient,
  request: CheckPermissionRequest = question(),
  metadata: Metadata = bearer,
  options: Partial<CallOptions> = {},
): Promise<CheckPermissionResponse | ServiceError> =>
  new Promise((resolve) => {
    client.checkPermission(request, metadata, options, (error, response) => resolve(error ?? response));
  });

/** The status of a call that must have failed. */
export const failureOf = (outcome: object): ServiceError => {
  if (outcome instanceof Error && "details" in outcome) return outcome as ServiceError;
  throw new Error(`the call was answered: ${JSON.stringify(outcome)}`);
};

/** Resolves from outside: for tests that hold a handler still. */
export const gate = () => Promise.withResolvers<void>();

export type TestCertificates = {
  readonly ca: Buffer;
  readonly server: { readonly cert: Buffer; readonly key: Buffer };
  readonly client: { readonly cert: Buffer; readonly key: Buffer };
  /** The client's name again, signed by an authority nobody knows. */
  readonly impostor: { readonly cert: Buffer; readonly key: Buffer };
};

export const spiffeId =
  "spiffe://example/organizations/5d0c0000-0000-4000-8000-00000000000a/service-accounts/5d0c0000-0000-4000-8000-00000000000b";

/** An authority, and a server and client certificate signed by it, made by openssl for this run. */
export const makeCertificates = async (): Promise<TestCertificates> => {
  const folder = await mkdtemp(join(tmpdir(), "countersign-tls-"));
  const openssl = (args: string) => promisify(execFile)("openssl", args.split(" "), { cwd: folder });
  const curve = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
  const authority = (name: string) =>
    openssl(`req -x509 ${curve} -keyout ${name}.key -out ${name}.pem -days 2 -subj /CN=${name}`);
  const leaf = async (name: string, by: string, extensions: string) => {
    await writeFile(join(folder, `${name}.ext`), extensions);
    await openssl(`req ${curve} -keyout ${name}.key -out ${name}.csr -subj /CN=${name}`);
    await openssl(
      `x509 -req -in ${name}.csr -CA ${by}.pem -CAkey ${by}.key -CAcreateserial -out ${name}.pem -days 1 -extfile ${name}.ext`,
    );
    return { cert: await readFile(join(folder, `${name}.pem`)), key: await readFile(join(folder, `${name}.key`)) };
  };
  const clientExtensions = `subjectAltName=URI:${spiffeId},DNS:gateway\nextendedKeyUsage=clientAuth\n`;
  try {
    await authority("ca");
    await authority("stranger");
    return {
      ca: await readFile(join(folder, "ca.pem")),
      server: await leaf("server", "ca", "subjectAltName=DNS:localhost,IP:127.0.0.1\n"),
      client: await leaf("client", "ca", clientExtensions),
      impostor: await leaf("impostor", "stranger", clientExtensions),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
};
