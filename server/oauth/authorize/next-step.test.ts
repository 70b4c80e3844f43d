import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hostTenant, type PrincipalId, type TenantId } from "../../../core/ids.ts";
import { defaultPolicy } from "../../policies/model.ts";
import type { AuthorizationRequest } from "./model.ts";
import { type Facts, nextStep, type Situation, settledTenant } from "./next-step.ts";

const acme = "11111111-1111-4111-8111-111111111111" as TenantId;
const other = "22222222-2222-4222-8222-222222222222" as TenantId;
const ada = "33333333-3333-4333-8333-333333333333" as PrincipalId;
const now = 1_800_000_000_000;

const request: AuthorizationRequest = {
  responseMode: "query",
  responseType: "code",
  scopes: ["openid", "accounts:read"],
  codeChallenge: null,
  nonce: null,
  prompt: [],
  maxAge: null,
  acrValues: [],
  claims: null,
  loginHint: null,
  hintedUser: null,
  uiLocales: [],
  audience: [],
  details: [],
  dpopJkt: null,
  tenant: null,
};
const session = {
  id: "s1",
  user: ada,
  state: "full",
  acr: "urn:countersign:acr:single-factor",
  authTime: now - 1_000_000,
} as const;
const facts: Facts = {
  bound: acme,
  several: false,
  policy: defaultPolicy,
  consent: undefined,
  totp: false,
  passkey: false,
};
const stored = { createTime: now - 60_000, session: null, bound: null, consentTime: null, scopes: null } as const;
const theirs: Situation = {
  request,
  client: { tenant: hostTenant, firstParty: false, source: "managed" },
  stored: undefined,
  session,
  facts,
  now,
};
const ours: Situation = { ...theirs, client: { tenant: hostTenant, firstParty: true, source: "managed" } };

const asking = (more: Partial<AuthorizationRequest>, situation = ours): Situation => ({
  ...situation,
  request: { ...situation.request, ...more },
});
const knowing = (more: Partial<Facts>, situation = ours): Situation => ({ ...situation, facts: { ...facts, ...more } });
const at = (situation: Situation): string => {
  const step = nextStep(situation);
  return step.at === "error" ? step.failure.fault : step.at;
};
const none = (situation: Situation): string => at(asking({ prompt: ["none"] }, situation));

describe("what an authorization request needs next", () => {
  test("a human who is signed in and belongs to one tenant has a code for a client of ours at once", () => {
    assert.deepEqual(nextStep(ours), { at: "done", bound: acme, scopes: request.scopes });
  });

  test("OIDC Core §3.1.2.3: who is not signed in signs in", () => {
    const stranger: Situation = { ...ours, session: undefined, facts: undefined };
    assert.equal(at(stranger), "sign_in");
    assert.equal(none(stranger), "login_required");
  });

  test("half a sign-in is finished first, and is none where nothing may be asked", () => {
    const half = (more: Partial<Facts>): Situation => ({ ...knowing(more), session: { ...session, state: "partial" } });
    assert.equal(at(half({ totp: true })), "second_factor");
    assert.equal(at(half({})), "enrol");
    assert.equal(none(half({})), "login_required");
    assert.equal(none(half({ passkey: true })), "login_required");
  });

  describe("OIDC Core §3.1.2.1: prompt=login and max_age", () => {
    const isNew = { ...ours, stored, session: { ...session, authTime: stored.createTime } };
    test("ask for a sign-in that is newer than the request", () => {
      assert.equal(at(asking({ prompt: ["login"] })), "reauthenticate");
      assert.equal(at(asking({ prompt: ["login"] }, { ...ours, stored })), "reauthenticate");
      assert.equal(at(asking({ prompt: ["login"] }, isNew)), "done");
    });
    test("max_age counts from the last sign-in, and 0 is prompt=login", () => {
      assert.equal(at(asking({ maxAge: 1000 })), "done");
      assert.equal(at(asking({ maxAge: 999 })), "reauthenticate");
      assert.equal(at(asking({ maxAge: 0 }, { ...ours, session: { ...session, authTime: now } })), "reauthenticate");
      // However long the human took on the page.
      assert.equal(at(asking({ maxAge: 0 }, isNew)), "done");
      assert.equal(at(asking({ maxAge: 10, prompt: ["none"] })), "login_required");
    });
  });

  describe("OIDC Core §3.1.2.2: another human than the one that is meant", () => {
    const meant = asking({ hintedUser: other });
    test("signs in, or is a login_required", () => {
      assert.equal(at(meant), "reauthenticate");
      assert.equal(at(asking({ hintedUser: ada })), "done");
      assert.equal(at(asking({ prompt: ["none"], hintedUser: other })), "login_required");
    });
    test("and one who has signed in as somebody else again is a login_required, never a loop", () => {
      assert.equal(at({ ...meant, stored, session: { ...session, authTime: now } }), "login_required");
    });
  });

  describe("RFC 9470, OIDC Core §5.5.1.1: authentication context classes", () => {
    const multi = "urn:countersign:acr:multi-factor";
    const essential = (values: readonly string[]) => ({ claims: { id_token: { acr: { essential: true, values } } } });
    test("the weakest of those asked for is enough", () => {
      assert.equal(at(asking({ acrValues: ["phr", multi] })), "enrol");
      assert.equal(at(asking({ acrValues: ["phr", multi] }, knowing({ totp: true }))), "second_factor");
      assert.equal(at(asking({ acrValues: ["urn:countersign:acr:single-factor", "phr"] })), "done");
      assert.equal(at(asking({ acrValues: [multi] }, { ...ours, session: { ...session, acr: "phr" } })), "done");
    });
    test("a phishing-resistant one takes a passkey", () => {
      assert.equal(at(asking({ acrValues: ["phr"] }, knowing({ totp: true }))), "enrol");
      assert.equal(at(asking({ acrValues: ["phr"] }, knowing({ passkey: true }))), "reauthenticate");
    });
    test("those nobody knows are passed over, and cannot be met where one is essential", () => {
      assert.equal(at(asking({ acrValues: ["urn:of:others"] })), "done");
      assert.equal(at(asking(essential(["urn:of:others"]))), "unmet_authentication_requirements");
      assert.equal(at(asking(essential(["urn:of:others", multi]))), "enrol");
      assert.equal(
        at(asking({ ...essential(["urn:of:others"]), prompt: ["none"] })),
        "unmet_authentication_requirements",
      );
    });
  });

  describe("the tenant a token is for", () => {
    test("is the one asked for, else a tenant's own client's, else the one this session chose", () => {
      const client = { tenant: hostTenant };
      const chosen = { session: session.id, bound: other };
      assert.equal(settledTenant({ request: { tenant: acme }, client, stored: chosen, session }), acme);
      assert.equal(
        settledTenant({ request: { tenant: null }, client: { tenant: acme }, stored: chosen, session }),
        acme,
      );
      assert.equal(settledTenant({ request: { tenant: null }, client, stored: chosen, session }), other);
      assert.equal(settledTenant({ request: { tenant: null }, client, stored: chosen, session: { id: "s2" } }), null);
      assert.equal(settledTenant({ request: { tenant: null }, client, stored: chosen, session: undefined }), null);
    });
    test("is chosen where there are several, and refused where there is none", () => {
      assert.equal(at(knowing({ bound: null, several: true })), "choose_tenant");
      assert.equal(none(knowing({ bound: null, several: true })), "interaction_required");
      assert.equal(at(knowing({ bound: null })), "access_denied");
    });
    test("OIDC Core §3.1.2.1: select_account asks once, and a choice or a new sign-in answers it", () => {
      const selecting = asking({ prompt: ["select_account"] });
      assert.equal(at(selecting), "choose_tenant");
      assert.equal(at({ ...selecting, stored: { ...stored, session: session.id, bound: acme } }), "done");
      assert.equal(at({ ...selecting, stored: { ...stored, session: "s2", bound: acme } }), "choose_tenant");
      assert.equal(at({ ...selecting, stored, session: { ...session, authTime: now } }), "done");
    });
  });

  describe("the bound tenant's policy", () => {
    const policy = (more: Partial<typeof defaultPolicy>) => ({ policy: { ...defaultPolicy, ...more } });
    test("mfa: required enrols who has no second factor, and asks who has one", () => {
      assert.equal(at(knowing(policy({ mfa: "required" }))), "enrol");
      assert.equal(none(knowing(policy({ mfa: "required" }))), "interaction_required");
      assert.equal(at(knowing({ ...policy({ mfa: "required" }), totp: true })), "second_factor");
      assert.equal(none(knowing({ ...policy({ mfa: "required" }), totp: true })), "login_required");
    });
    test("mfa: optional asks who has one, off asks nobody, and a remembered device is not asked", () => {
      assert.equal(at(knowing({ passkey: true })), "second_factor");
      assert.equal(at(knowing({ passkey: true, remembered: true })), "done");
      assert.equal(at(knowing({ ...policy({ mfa: "off" }), passkey: true })), "done");
      assert.equal(at(knowing({ ...policy({ mfa: "required" }), remembered: true })), "enrol");
    });
    test("a class that was asked for is not to be had by a remembered device", () => {
      const asked = asking(
        { acrValues: ["urn:countersign:acr:multi-factor"] },
        knowing({ totp: true, remembered: true }),
      );
      assert.equal(at(asked), "second_factor");
    });
    test("reauthenticate_seconds asks for a sign-in no older than that", () => {
      assert.equal(at(knowing(policy({ reauthenticate_seconds: 1000 }))), "done");
      assert.equal(at(knowing(policy({ reauthenticate_seconds: 999 }))), "reauthenticate");
    });
  });

  test("a client that registered itself elsewhere reaches the people of tenants that let such clients in", () => {
    const policy = (more: Partial<typeof defaultPolicy>) => ({ policy: { ...defaultPolicy, ...more } });
    const sources = [
      ["registered", "dynamic_registration"],
      ["metadata_document", "client_id_metadata_documents"],
    ] as const;
    for (const [source, switchName] of sources) {
      const by = (situation: Situation): Situation => ({ ...situation, client: { ...situation.client, source } });
      assert.equal(at(by(theirs)), "access_denied");
      assert.equal(at(by(knowing(policy({ [switchName]: "on" }), theirs))), "consent");
      const own = by(theirs);
      assert.equal(at({ ...own, client: { ...own.client, tenant: acme } }), "consent");
    }
  });

  describe("OIDC Core §3.1.2.4: consent", () => {
    const agreed = (scopes: readonly string[], declined: readonly string[] = []) =>
      knowing({ consent: { scopes, declined, details: [] } }, theirs);
    test("is asked for by everybody's client but our own", () => {
      assert.deepEqual(nextStep(theirs), { at: "consent", bound: acme });
      assert.equal(none(theirs), "consent_required");
      assert.equal(at(asking({ prompt: ["consent"] })), "consent");
    });
    test("RFC 6749 §3.3: what was left out is left out again, and asked for no more; a pattern agreed to since has it", () => {
      assert.deepEqual(nextStep(agreed(["openid"], ["accounts:read"])), {
        at: "done",
        bound: acme,
        scopes: ["openid"],
      });
      assert.equal(none(agreed(["openid"], ["accounts:read"])), "done");
      assert.equal(at(asking({ prompt: ["consent"] }, agreed(["openid"], ["accounts:read"]))), "consent");
      assert.equal(at(agreed([], ["openid", "accounts:read"])), "consent", "nothing is no answer");
      const since = nextStep(agreed(["openid", "accounts:*"], ["accounts:read"]));
      assert.deepEqual(since, { at: "done", bound: acme, scopes: ["openid", "accounts:read"] });
    });
    test("is remembered for what it covers, and for no more", () => {
      assert.equal(at(agreed(["openid", "accounts:read", "email"])), "done");
      assert.equal(at(agreed(["openid", "accounts:*"])), "done");
      assert.equal(at(agreed(["openid"])), "consent");
      assert.equal(at(agreed(["*"])), "consent");
      assert.equal(none(agreed(["openid", "accounts:read"])), "done");
      assert.equal(at(asking({ prompt: ["consent"] }, agreed(["openid", "accounts:read"]))), "consent");
      const detail = { type: "countersign_permissions", actions: ["accounts:update"] };
      assert.equal(at(asking({ details: [detail] }, agreed(["openid", "accounts:read"]))), "consent");
    });
    test("given now, it counts for this session and this tenant, and gives what was agreed to", () => {
      const given = { ...stored, session: session.id, bound: acme, consentTime: now, scopes: ["openid"] };
      assert.deepEqual(nextStep({ ...theirs, stored: given }), { at: "done", bound: acme, scopes: ["openid"] });
      assert.equal(at(asking({ prompt: ["consent"] }, { ...theirs, stored: given })), "done");
      assert.equal(at({ ...theirs, stored: { ...given, session: "s2" } }), "consent");
      assert.equal(at({ ...theirs, stored: { ...given, bound: other } }), "consent");
    });
    test("a no is an access_denied, whoever is asked after", () => {
      const denied = { ...stored, session: session.id, bound: acme, scopes: [] };
      assert.equal(at({ ...theirs, stored: denied }), "access_denied");
      assert.equal(at({ ...theirs, stored: denied, session: undefined, facts: undefined }), "access_denied");
    });
  });
});
