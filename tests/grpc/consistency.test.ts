// What changes over gRPC say behind their answers: the consistency token (ADR 11), as REST says it in a header.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type CallOptions, credentials, type Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { newId } from "../../server/platform/random.ts";
import { IdentityClient } from "../../server/transport/grpc/generated/identity/v1/identity.ts";
import { startDeployment } from "../oauth/deployment.ts";
import { bearer as authorization } from "../oauth/http.ts";
import { metadataOf, question } from "./support.ts";

const deployment = await startDeployment();
after(deployment.close);
const client = new IdentityClient(`127.0.0.1:${deployment.servers[0]?.grpcPort}`, credentials.createInsecure());
after(() => client.close());
const acme = await deployment.tenant();
const owner = await acme.account({ role: "owner" });
const token = await deployment.token(owner);
const name = "countersign-consistency";

type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => { on(event: "status", listener: (ended: { readonly metadata: Metadata }) => void): unknown };

/** The answer, or how it failed, and what came behind it. */
const call = <Request, Response>(method: Unary<Request, Response>, request: Request, as = token) =>
  new Promise<{
    readonly response: Response;
    readonly error: ServiceError | null;
    readonly trailer: readonly unknown[];
  }>((resolve) => {
    const outcome: { response?: Response; error?: ServiceError | null } = {};
    const ongoing = method.call(client, request, metadataOf(authorization(as)), {}, (error, response) => {
      Object.assign(outcome, { error, response });
    });
    ongoing.on("status", ({ metadata }) => {
      // The status is told after the answer.
      setImmediate(() =>
        resolve({
          response: outcome.response as Response,
          error: outcome.error ?? null,
          trailer: metadata.get(name),
        }),
      );
    });
  });

const register = (email: string, more: object = {}) =>
  call(client.registerUser, {
    parent: acme.ref,
    email,
    displayName: "Somebody",
    role: "member",
    idempotencyKey: "",
    password: "",
    ...more,
  });
const may = (principal: string, atLeastAsFresh: unknown) =>
  call(
    client.checkPermission,
    question({
      subject: { $case: "principal", principal },
      permission: "accounts:read",
      atLeastAsFresh: String(atLeastAsFresh),
    }),
  );

test("ADR 11: RegisterUser says which change it was behind its answer, and a decision can be demanded that knows of it", async () => {
  const { response, error, trailer } = await register("ada@acme.example");
  assert.equal(error, null);
  assert.equal(trailer.length, 1);
  assert.match(String(trailer[0]), /^w\d+$/);
  const decided = await may(response.user?.resource ?? "", trailer[0]);
  assert.equal(decided.error, null);
  assert.equal(decided.response.allowed, true);
  const number = BigInt(String(trailer[0]).slice(1));
  const later = await may(response.user?.resource ?? "", `w${number + 1_000_000n}`);
  assert.equal(later.error?.code, status.FAILED_PRECONDITION, "what the database does not know of is not answered");
});

test("ADR 11: the same idempotency key is answered with a token that knows of the change it had made", async () => {
  const idempotencyKey = newId<string>();
  const first = await register("grace@acme.example", { idempotencyKey });
  const again = await register("grace@acme.example", { idempotencyKey });
  assert.equal(again.response.user?.id, first.response.user?.id);
  assert.match(String(again.trailer[0]), /^s\d+:\d+:/);
  assert.equal((await may(first.response.user?.resource ?? "", again.trailer[0])).response.allowed, true);
});

test("ADR 11: what is refused and what only reads says nothing of a change", async () => {
  const refused = await register("nobody");
  assert.equal(refused.error?.code, status.INVALID_ARGUMENT);
  assert.deepEqual(refused.trailer, []);
  const read = await may(owner.ref, "");
  assert.equal(read.error, null);
  assert.deepEqual(read.trailer, []);
  assert.match(read.response.decidedAtVersion, /^s\d/);
});

test("ADR 11: revoking a token says which change it was, over gRPC and at the revocation endpoint, and nothing where none was left", async () => {
  const revoke = (text: string) => call(client.revokeToken, { token: text, tokenTypeHint: "" }, token);
  const mine = await deployment.token(owner);
  const done = await revoke(mine);
  assert.equal(done.error, null);
  assert.match(String(done.trailer[0]), /^w\d+$/);
  const asked = question({ subject: { $case: "token", token: mine }, permission: "accounts:read" });
  const decided = await call(client.checkPermission, { ...asked, atLeastAsFresh: String(done.trailer[0]) });
  assert.deepEqual([decided.error, decided.response.allowed], [null, false]);
  assert.deepEqual((await revoke(mine)).trailer, []);
  assert.deepEqual((await revoke("cs_at_unknown")).trailer, []);

  const another = await deployment.token(owner);
  const overHttp = () =>
    deployment.send("/oauth/revoke", {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({
        token: another,
        client_id: owner.client_id,
        client_secret: owner.client_secret,
      }).toString(),
    });
  const first = await overHttp();
  assert.equal(first.status, 200, first.text);
  assert.match(String(first.headers[name]), /^w\d+$/);
  assert.equal((await overHttp()).headers[name], undefined);
});
