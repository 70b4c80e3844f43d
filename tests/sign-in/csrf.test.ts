// Security test 5: forms carry tokens that are bound to the session, or, before there is one, to the browser.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import test from "node:test";
import type { PrincipalId, TenantId } from "../../core/ids.ts";
import { newId } from "../../server/platform/random.ts";
import { checkFormToken, formCookie, formField, formToken } from "../../server/sessions/csrf.ts";
import type { Session } from "../../server/sessions/model.ts";

const needs = { formKey: randomBytes(32) };
const session = (): Session => ({
  home: newId<TenantId>(),
  id: newId(),
  user: newId<PrincipalId>(),
  state: "full",
  methods: ["pwd"],
  acr: "urn:countersign:acr:single-factor",
  authTime: 0,
  createTime: 0,
});
const request = (cookie: string | undefined, token?: string | readonly string[]) => ({
  headers: cookie === undefined ? {} : { cookie: cookie.split(";", 1)[0] },
  form: { [formField]: token },
});

test("a session's form is good in that session, and in no other", () => {
  const [ours, theirs] = [session(), session()];
  const { token, cookie } = formToken(needs, ours, request(undefined));
  assert.equal(cookie, undefined);
  assert.ok(checkFormToken(needs, ours, request(undefined, token)));
  assert.ok(!checkFormToken(needs, theirs, request(undefined, token)));
  assert.ok(!checkFormToken(needs, undefined, request(undefined, token)));
});

test("before there is a session, a form is good in the browser it was shown to", () => {
  const { token, cookie } = formToken(needs, undefined, request(undefined));
  assert.match(cookie ?? "", /^__Host-countersign-form=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax$/);
  assert.ok(checkFormToken(needs, undefined, request(cookie, token)));
  const again = formToken(needs, undefined, request(cookie));
  assert.deepEqual(again, { token, cookie: undefined });
  const other = formToken(needs, undefined, request(undefined));
  assert.ok(!checkFormToken(needs, undefined, request(other.cookie, token)));
  assert.ok(!checkFormToken(needs, undefined, request(undefined, token)));
  // A form of before the sign-in is none of the session that came of it.
  assert.ok(!checkFormToken(needs, session(), request(cookie, token)));
});

test("a cookie that was not ours is replaced; a token that is missing, twice, or of another key is refused", () => {
  const forged = `${formCookie}=short`;
  assert.ok(formToken(needs, undefined, request(forged)).cookie);
  const mine = session();
  const { token } = formToken(needs, mine, request(undefined));
  for (const wrong of [undefined, "", [token, token], token.slice(1), `${token}x`])
    assert.ok(!checkFormToken(needs, mine, request(undefined, wrong)));
  assert.ok(!checkFormToken({ formKey: randomBytes(32) }, mine, request(undefined, token)));
});

test("a session's id is no cookie's value: no token of one is a token of the other", () => {
  const { cookie } = formToken(needs, undefined, request(undefined));
  const value = /=([\w-]{43})/.exec(cookie ?? "")?.[1] ?? "";
  const { token } = formToken(needs, { ...session(), id: value }, request(undefined));
  assert.ok(!checkFormToken(needs, undefined, request(cookie, token)));
});
