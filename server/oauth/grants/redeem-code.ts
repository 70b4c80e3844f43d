/**
 * authorization_code (RFC 6749 §4.1.3, OAuth 2.1 §4.1.3, RFC 7636 §4.6).
 *
 *     issued → redeemed (its family opened) → replayed (its family ended)
 *
 * The code is spent by one statement that names everything it is bound to: client, redirect URI, verifier and key. Whoever presents it
 * wrongly spends nothing and ends nothing; whoever presents it rightly for the second time ends what came of it (§4.1.2, RFC 9700 §2.1.1).
 */
import { hash } from "node:crypto";
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import type { TenantId } from "../../../core/ids.ts";
import type { Client } from "../../clients/model.ts";
import type { Form } from "../../platform/web/request.ts";
import { newId } from "../../platform/random.ts";
import { digestOctets } from "../../tokens/digest.ts";
import { readSecret } from "../../tokens/secret-text.ts";
import { parameter } from "../protocol.ts";
import { readResources } from "../resources.ts";
import { makeAnswer, prepareTokens } from "./make-tokens.ts";
import type { GrantNeeds, TokenAnswer } from "./model.ts";
import { bindsRefresh, isStandingError, mayRefresh, notStanding } from "./open-family.ts";
import { recordMisuse } from "./record-misuse.ts";
import { type CodeError, type GrantStatements, readCodeTenant, redeemCodeIn, type StandingError } from "./store.ts";

/** RFC 7636 §4.1. */
const verifierShape = /^[A-Za-z0-9\-._~]{43,128}$/;
const redirectUriLengthMax = 2000;

const refused = (why: string): Fault => fault("invalid_grant", `the code is not accepted: ${why}`);

type Asked = {
  readonly home: TenantId;
  readonly hash: Buffer;
  readonly user: Parameters<typeof prepareTokens>[0]["user"];
  readonly redirectUri: string | null;
  readonly challenge: string | null;
  readonly audience: readonly string[] | null;
};

const readRequest = (form: Form): Result<Asked> => {
  const code = parameter(form, "code");
  const redirectUri = parameter(form, "redirect_uri");
  const verifier = parameter(form, "code_verifier");
  const resources = readResources(form);
  for (const read of [code, redirectUri, verifier, resources]) if (isFault(read)) return read;
  if (isFault(code) || isFault(redirectUri) || isFault(verifier) || isFault(resources)) return refused("it is none");
  if (code.value === undefined) return fault("invalid_argument", "the parameter `code` is missing");
  const presented = readSecret(code.value, ["authorization_code"]);
  if (presented === undefined || (redirectUri.value?.length ?? 0) > redirectUriLengthMax)
    return refused("it is unknown");
  if (verifier.value !== undefined && !verifierShape.test(verifier.value))
    return refused("`code_verifier` does not match the challenge");
  return {
    home: presented.tenant,
    hash: digestOctets(presented.digest),
    user: presented.principal,
    redirectUri: redirectUri.value ?? null,
    challenge: verifier.value === undefined ? null : hash("sha256", verifier.value, "base64url"),
    audience: resources.length === 0 ? null : resources,
  };
};

const errors: Readonly<Record<CodeError, Fault>> = {
  replayed: refused("it has been used, and what came of it is revoked"),
  unknown: refused("it is unknown, expired or another client's"),
  expired: refused("it is unknown, expired or another client's"),
  unchallenged: fault("invalid_argument", "`code_verifier` is given, and the authorization request had no challenge"),
  verifier: refused("`code_verifier` does not match the challenge"),
  redirect_uri: refused("`redirect_uri` is not the one of the authorization request"),
  key: refused("it is bound to another key than the one that was proven"),
  target: fault("invalid_target", "a `resource` is not among those that were granted"),
};

export const redeemCode = async (
  needs: GrantNeeds & { readonly statements: GrantStatements },
  client: Client,
  form: Form,
  jkt: string | null,
  requestId: string,
): Promise<Result<TokenAnswer>> => {
  const asked = readRequest(form);
  if (isFault(asked)) return asked;
  const { database, clock } = needs.platform;
  const now = clock.now();
  const opaque = client.metadata.access_token_format === "opaque";
  const bound = opaque ? await readCodeTenant(database, asked.home, asked.hash) : undefined;
  if (opaque && bound === undefined) return errors.unknown;
  const prepared = prepareTokens({
    client,
    home: asked.home,
    user: asked.user,
    bound,
    withRefresh: mayRefresh(client),
    now,
  });
  const family = newId<string>();
  const redeemed = await redeemCodeIn(needs.statements, {
    ...asked,
    client,
    jkt,
    now: new Date(now),
    tokens: prepared.stored,
    issuer: needs.issuer,
    family,
    bind: bindsRefresh(client),
    requestId,
  });
  if ("error" in redeemed) {
    if (redeemed.error === "replayed")
      await recordMisuse(needs, { home: asked.home, family: redeemed.family ?? "", requestId }, "code_replayed");
    return faultOf(redeemed.error);
  }
  const { spec } = redeemed;
  return makeAnswer(needs, {
    client,
    user: redeemed.user,
    human: redeemed.human,
    family,
    spec,
    scopes: spec.scopes,
    audience: asked.audience ?? spec.audience,
    details: spec.details,
    jkt,
    refreshed: false,
    prepared,
    now,
  });
};

const faultOf = (error: CodeError | StandingError): Fault =>
  isStandingError(error) ? notStanding(error) : errors[error];
