// What a code costs: with a live session and a client of the deployment's own, two statements, and one round trip to the cache.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { isFault } from "../../core/faults.ts";
import type { PrincipalId } from "../../core/ids.ts";
import { createApplication } from "../../server/clients/create-application.ts";
import { openDocumentState } from "../../server/clients/document-state.ts";
import { authorize } from "../../server/oauth/authorize/authorize.ts";
import type { Authorizing } from "../../server/oauth/authorize/needs.ts";
import { openGrantStatements } from "../../server/oauth/grants/grant-statements.ts";
import { readSecretKey } from "../../server/platform/keys/seal.ts";
import { openLimits } from "../../server/platform/limits/limits.ts";
import type { WebRequest } from "../../server/platform/web/request.ts";
import { defaultPolicy } from "../../server/policies/model.ts";
import { registerUser } from "../../server/principals/users/register-user.ts";
import { beginSession } from "../../server/sessions/begin-session.ts";
import { openSigningKeys } from "../../server/tokens/signing-keys.ts";
import { countRoundTrips } from "../support/counting.ts";
import { openWorkbench } from "../support/engine.ts";

const bench = await openWorkbench();
after(bench.close);
const counting = countRoundTrips(bench.engine.platform);

const secretKey = readSecretKey(Buffer.alloc(32, 1).toString("base64"));
assert.ok(secretKey);
const keys = await openSigningKeys({ ...bench.engine.platform, secretKey });
after(keys.close);
const needs: Authorizing = {
  platform: counting.platform,
  model: bench.model,
  issuer: bench.engine.issuer,
  keys,
  guardedFetch: async () => ({ refused: "nothing is fetched here" }),
  remoteKeys: async () => [],
  documents: openDocumentState(),
  limits: openLimits({ redis: undefined, key: Buffer.alloc(32) }),
  statements: openGrantStatements(counting.platform.database),
  renderError: (failure) => assert.fail(failure.detail),
};

const tenant = await bench.tenant();
const owner = await bench.ownerOf(tenant);
const parent = bench.rootRef(tenant);
const host = `host/${bench.host.tenant}`;
const user = await bench.ok(registerUser, owner, { parent, email: "ada@acme.example", display_name: "Ada" });
const app = await bench.ok(createApplication, bench.host, {
  parent: host,
  display_name: "Console",
  first_party: true,
  redirect_uris: ["https://app.example/cb"],
});
const { cookie } = await bench.engine.platform.database.transaction(tenant, (tx) =>
  beginSession(tx, {
    home: tenant,
    user: user.id as PrincipalId,
    state: "full",
    methods: ["pwd"],
    acr: "urn:countersign:acr:single-factor",
    policy: defaultPolicy,
    userAgent: "a test",
    address: "127.0.0.1",
    now: bench.clock.ms,
  }),
);

const request: WebRequest = {
  method: "GET",
  path: "/oauth/authorize",
  query: {
    client_id: String(app["client_id"]),
    response_type: "code",
    redirect_uri: "https://app.example/cb",
    scope: "openid",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256",
  },
  form: {},
  body: "",
  authorization: undefined,
  headers: { cookie: cookie.split(";")[0] },
  address: () => "127.0.0.1",
  requestId: "r",
};

test("a code for who is signed in takes two statements: the session with its human, and the code with its audit entry", async () => {
  const visits = [];
  for (let visit = 0; visit < 4; visit += 1) visits.push(await counting.costOf(() => authorize(needs, request)));
  for (const { answer } of visits) {
    assert.ok(!isFault(answer));
    assert.match(String(answer.headers["location"]), /\?code=cs_code_/);
  }
  // The first visits fill the cache.
  assert.deepEqual(visits.at(-1)?.cost, { statements: 2, transactions: 0, reads: 1 });
});
