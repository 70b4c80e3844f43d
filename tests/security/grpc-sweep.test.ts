// Every gRPC method there is, walked from the service's definition: no token, a bad one, a dead one, a stranger's, a narrow one, a weak one.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { callJson } from "../../cli/grpc-json.ts";
import { AuthorizationDefinition } from "../../server/transport/grpc/generated/envoy/service/auth/v3/external_auth.ts";
import { IdentityDefinition } from "../../server/transport/grpc/generated/identity/v1/identity.ts";
import {
  extAuthzRoutes,
  type ExtAuthzHandlers,
  identityRoutes,
  type IdentityHandlers,
} from "../../server/transport/grpc/routes.ts";
import { startDeployment } from "../oauth/deployment.ts";
import { partsOf, signedJwt } from "../oauth/jwt.ts";

const deployment = await startDeployment();
after(deployment.close);
const acme = await deployment.tenant("Acme");
const owner = await acme.account({ role: "owner" });
const somebody = await acme.account();
const other = await deployment.tenant("Other");
const stranger = await deployment.token(await other.account({ role: "owner" }));
const live = await deployment.token(owner);
const subject = await deployment.token(somebody);

type Fields = Readonly<Record<string, unknown>>;
const check = { principal: somebody.ref, tenant: acme.ref, permission: "accounts:read", resource: acme.ref };
/** What is asked of each method: about Acme, and good if its owner asks. A method without one fails the sweep. */
const messages: Readonly<Record<string, Fields>> = {
  IntrospectToken: { token: subject },
  CheckPermission: check,
  BatchCheckPermissions: { checks: [check] },
  ExplainPermission: { check },
  ListResources: { principal: somebody.ref, tenant: acme.ref, permission: "accounts:read", type: "accounts" },
  ListSubjects: { kind: "users", tenant: acme.ref, permission: "accounts:read", resource: acme.ref },
  ListActions: { principal: somebody.ref, tenant: acme.ref, resource: acme.ref },
  RegisterUser: { parent: acme.ref, email: "grace@acme.example", displayName: "Grace" },
  RevokeToken: { token: subject },
  Check: {
    attributes: {
      request: {
        http: {
          method: "GET",
          path: "/",
          host: "api.example.com",
          scheme: "https",
          headers: { authorization: `Bearer ${subject}` },
        },
      },
      contextExtensions: { permission: "accounts:read" },
    },
  },
};

const ask = (method: string, authorization?: string, message = messages[method]) =>
  callJson({
    address: `127.0.0.1:${deployment.servers[0]?.grpcPort}`,
    method: `${routes.find((one) => one.method.name === method)?.service}/${method}`,
    json: message ?? assert.fail(`the sweep has no message for ${method}`),
    metadata: authorization === undefined ? {} : { authorization },
  });

// The table is data; nothing of what its handlers need is touched by reading it.
const routes = [...identityRoutes({} as IdentityHandlers), ...extAuthzRoutes({} as ExtAuthzHandlers)];
const guarded = routes.flatMap(({ method, policy }) => ("public" in policy ? [] : [method.name]));

const { header, claims } = partsOf(live);
const exp = Math.floor(Date.now() / 1000) - 1;
const signer = await deployment.signingKey();
const expired = signedJwt(header, { ...claims, iat: exp - 900, exp }, signer.key);
const disabled = await acme.account({ role: "owner" });
const ofDisabled = await deployment.token(disabled);
assert.equal(await deployment.isActive(ofDisabled), true);
await acme.does(`/v1/service-accounts/${disabled.id}:disable`);

test("invariant 10: every method has a route, and the public ones are exactly these", () => {
  const definitions = [IdentityDefinition, AuthorizationDefinition];
  const names: readonly string[] = definitions.flatMap(({ methods }) => Object.values(methods).map(({ name }) => name));
  assert.deepEqual(routes.map(({ method }) => method.name).toSorted(), names.toSorted());
  const open = routes.filter(({ policy }) => "public" in policy).map(({ method }) => method.name);
  assert.deepEqual(open, ["IssueToken"]);
});

test("no token, none of ours, an expired one, a client's secret, a disabled account's: every method is UNAUTHENTICATED", async () => {
  const presented = {
    nothing: undefined,
    garbage: "Bearer never",
    "the wrong scheme": `Basic ${live}`,
    expired: `Bearer ${expired}`,
    "a client's secret": `Bearer ${owner.client_secret}`,
    "a disabled account's": `Bearer ${ofDisabled}`,
  };
  for (const method of guarded)
    for (const [what, authorization] of Object.entries(presented)) {
      const answer = await ask(method, authorization);
      assert.ok(!("ok" in answer), `${method} with ${what}`);
      assert.equal(answer.status, "UNAUTHENTICATED", `${method} with ${what}: ${answer.message}`);
    }
});

const isEmptyList = (answer: Awaited<ReturnType<typeof ask>>): boolean =>
  "ok" in answer ? !JSON.stringify(answer.ok).includes('["') : answer.status === "NOT_FOUND";

/** What another tenant's owner learns: the same as of a token, a perimeter or a principal that never was. */
const nothingLearnt: Readonly<Record<string, (answer: Awaited<ReturnType<typeof ask>>) => boolean>> = {
  IntrospectToken: (answer) => "ok" in answer && (answer.ok as Fields)["active"] === false,
  CheckPermission: (answer) => "ok" in answer && JSON.stringify(answer.ok).includes("unknown_resource"),
  BatchCheckPermissions: (answer) => "ok" in answer && JSON.stringify(answer.ok).includes("unknown_resource"),
  ExplainPermission: (answer) => "ok" in answer && JSON.stringify(answer.ok).includes("unknown_resource"),
  ListResources: isEmptyList,
  ListSubjects: isEmptyList,
  ListActions: isEmptyList,
  RegisterUser: (answer) => !("ok" in answer) && answer.status === "NOT_FOUND",
  RevokeToken: (answer) => "ok" in answer,
  Check: (answer) => "ok" in answer && JSON.stringify(answer.ok).includes("invalid_token"),
};

test("invariant 2: another tenant's owner learns nothing and changes nothing, whatever the method", async () => {
  const before = await deployment.sql(
    "select (select count(*) from users) as users, (select count(*) from revoked_tokens) as revoked",
  );
  for (const method of guarded) {
    const answer = await ask(method, `Bearer ${stranger}`);
    assert.ok(nothingLearnt[method]?.(answer), `${method}: ${JSON.stringify(answer)}`);
  }
  assert.deepEqual(
    await deployment.sql(
      "select (select count(*) from users) as users, (select count(*) from revoked_tokens) as revoked",
    ),
    before,
  );
  assert.equal(await deployment.isActive(subject), true);
});

test("a token whose scopes do not reach it, and an account without the permission, are PERMISSION_DENIED by every method", async () => {
  const narrow = await deployment.token(owner, { scope: "documents:read" });
  const weak = await deployment.token(await acme.account());
  for (const method of guarded)
    for (const token of [narrow, weak]) {
      const answer = await ask(method, `Bearer ${token}`);
      const said = JSON.stringify(answer);
      // A batch is answered, and each of its questions refused.
      if (method === "BatchCheckPermissions") assert.match(said, /"code":"insufficient_scope"/);
      else assert.ok(!("ok" in answer) && answer.status === "PERMISSION_DENIED", `${method}: ${said}`);
      assert.ok(!said.includes('"allowed":true'), method);
    }
});

test("the owner's own token is answered by every method, so the refusals above are about the token", async () => {
  for (const method of guarded) {
    const answer = await ask(method, `Bearer ${live}`);
    assert.ok("ok" in answer, `${method}: ${JSON.stringify(answer)}`);
  }
});

/** The message as often as it has strings, with another one of them replaced each time. */
const spoilt = (value: unknown, by: string): readonly unknown[] => {
  if (typeof value === "string") return [by, value + by];
  if (Array.isArray(value))
    return value.flatMap((one, at) => spoilt(one, by).map((odd) => value.with(at, odd) as unknown));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => spoilt(one, by).map((odd) => ({ ...value, [name]: odd })));
};

test("what no text may hold, in any string of any message, is no error of ours", async () => {
  const all: Readonly<Record<string, Fields>> = {
    ...messages,
    IssueToken: {
      grantType: "client_credentials",
      clientId: owner.client_id,
      clientSecret: owner.client_secret,
      scope: "accounts:read",
    },
    CheckPermission: { ...check, attributes: '{"context":{"a":"b"}}', atLeast: "x" },
    RegisterUser: {
      parent: acme.ref,
      email: "odd@acme.example",
      displayName: "Odd",
      role: "viewer",
      password: "a long enough password",
    },
  };
  for (const [method, message] of Object.entries(all))
    for (const odd of ["\0", "\ud800"])
      for (const one of spoilt(message, odd)) {
        const answer = await ask(method, method === "IssueToken" ? undefined : `Bearer ${live}`, one as Fields);
        const what = `${method} ${JSON.stringify(one)}: ${JSON.stringify(answer)}`;
        assert.ok("ok" in answer || !["INTERNAL", "UNKNOWN", "UNAVAILABLE"].includes(answer.status), what);
      }
});
