/**
 * The end of an authorization request: a code, in one statement with its audit entry and with other grants of the moment, at the human's home.
 *
 * A stored request is finished first, in its client's tenant: whoever wins that one conditional update, and nobody else, makes the code. A
 * crash between the two costs the human another click, and never yields a second code.
 */
import { type Attribution, unattributed } from "../../../core/attribution.ts";
import { fault, isFault, type Result } from "../../../core/faults.ts";
import { formatRef, principalRef, type TenantId } from "../../../core/ids.ts";
import type { AuditEntry } from "../../audit/model.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { Platform } from "../../platform/platform.ts";
import { newId } from "../../platform/random.ts";
import type { Session } from "../../sessions/model.ts";
import { newSecret } from "../../tokens/secret-text.ts";
import type { GrantStatements } from "../grants/store.ts";
import { type CheckedRequest, codeTtlSeconds, type StoredRequest } from "./model.ts";
import { finishRequest, issueCode } from "./store.ts";

export type Granted = {
  readonly session: Session;
  readonly bound: TenantId;
  readonly scopes: readonly string[];
  readonly identitySource: string | null;
};

type Needs = { readonly platform: Platform; readonly statements: GrantStatements };

const answered = () =>
  fault("invalid_request_uri", "this request has expired, or has been answered; start again from the application");

/** The code. Undefined where the session has ended meanwhile: the human signs in again. */
export const finishWithCode = async (
  { platform, statements }: Needs,
  read: CheckedRequest,
  granted: Granted,
  requestId: string,
): Promise<Result<string> | undefined> => {
  const { home, user } = granted.session;
  const now = platform.clock.now();
  const code = newSecret("authorization_code", home, user);
  const issue = async (from: GrantStatements | Tx): Promise<string | undefined> => {
    const id = newId<string>();
    const entry = entryOf(id, read, granted, now, requestId);
    return (await issueCode(from, home, codeOf(id, code.hash, read, granted, now), entry)) ? code.text : undefined;
  };
  const { stored } = read;
  if (stored === undefined) return issue(statements);
  if (stored.tenant === home)
    return platform.database.transaction<Result<string> | undefined>(home, async (tx) =>
      (await finishRequest(tx, stored.id, new Date(now))) ? issue(tx) : answered(),
    );
  const finished = await finish({ platform }, stored);
  return isFault(finished) ? finished : issue(statements);
};

/** Ends a stored request that yields no code. */
export const finish = async ({ platform }: Pick<Needs, "platform">, stored: StoredRequest): Promise<Result<void>> => {
  const won = await platform.database.transaction(stored.tenant, (tx) =>
    finishRequest(tx, stored.id, new Date(platform.clock.now())),
  );
  return won ? undefined : answered();
};

const codeOf = (
  id: string,
  hash: Buffer,
  { client, place, request }: CheckedRequest,
  { session, bound, scopes }: Granted,
  now: number,
) => ({
  id,
  hash,
  user: session.user,
  session: session.id,
  clientTenant: client.tenant,
  application: client.id,
  clientId: client.clientId,
  bound,
  redirectUri: place.redirectUri,
  redirectUriGiven: place.redirectUriGiven,
  codeChallenge: request.codeChallenge,
  scopes,
  audience: request.audience,
  details: request.details,
  claims: request.claims,
  nonce: request.nonce,
  acr: session.acr,
  methods: session.methods,
  authTime: new Date(session.authTime),
  dpopJkt: request.dpopJkt,
  createTime: new Date(now),
  expireTime: new Date(now + codeTtlSeconds * 1000),
});

/** The bound tenant's record: who has let which client act for them there. */
const entryOf = (
  id: string,
  { client, request }: CheckedRequest,
  granted: Granted,
  now: number,
  requestId: string,
): AuditEntry => ({
  tenant: granted.bound,
  id,
  time: now,
  action: "oauth.authorize",
  outcome: "done",
  attribution: attributionOf(granted.session, granted.identitySource, client.clientId, requestId),
  target: formatRef("applications", client.id),
  targetPath: null,
  permission: null,
  bypass: false,
  because: null,
  detail: { scope: granted.scopes.join(" "), audience: request.audience },
});

/** A human at a browser: subject, actor of record and authenticated principal are one. */
export const attributionOf = (
  session: Pick<Session, "id" | "user">,
  identitySource: string | null,
  clientId: string | null,
  requestId: string | null,
): Attribution => {
  const ref = principalRef("human", session.user);
  return {
    ...unattributed,
    authenticated_principal: ref,
    subject: ref,
    actor_of_record: ref,
    identity_source: identitySource,
    client_id: clientId,
    session_id: session.id,
    request_id: requestId,
  };
};
