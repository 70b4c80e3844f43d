/**
 * `/oauth/authorize`, by GET and POST (OIDC Core §3.1.2.1): read the request, see who is there, judge both, and do the one thing that
 * comes next. model.ts draws the way.
 */
import { type Fault, isFault, type Result } from "../../../core/faults.ts";
import type { TenantId } from "../../../core/ids.ts";
import { newId } from "../../platform/random.ts";
import type { WebRequest, WebResponse } from "../../platform/web/request.ts";
import { defaultPolicy } from "../../policies/model.ts";
import { sessionKeyOf } from "../../sessions/find-session.ts";
import type { Session } from "../../sessions/model.ts";
import { isRememberedDevice } from "../../sign-in/remembered-device.ts";
import { newSecret } from "../../tokens/secret-text.ts";
import { finish, finishWithCode } from "./finish.ts";
import { type CheckedRequest, requestUriPrefix, type StoredRequest, waitingTtlSeconds } from "./model.ts";
import type { Authorizing } from "./needs.ts";
import { asksForDevice, type Facts, nextStep, settledTenant, type Step } from "./next-step.ts";
import { readRequest } from "./read-request.ts";
import { codeAnswer, errorAnswer, seeOther } from "./respond.ts";
import { answerRequest, insertRequest, readFacts, readVisit, type StoredFacts } from "./store.ts";

export const authorize = async (needs: Authorizing, request: WebRequest): Promise<WebResponse> => {
  const reading = await readRequest(needs, request.method === "POST" ? request.form : request.query);
  if (reading.at === "unanswerable") return needs.renderError(reading.failure, request);
  if (reading.at === "refused") return refuse(needs, reading, reading.failure, request);
  const { read } = reading;

  const visit = await findVisit(needs, read, request);
  // Browsers leave a SameSite cookie out of what another site posts, and not out of the GET that this makes of it.
  if (request.method === "POST" && visit === undefined) {
    const handle = await keep(needs, read, undefined, null, request);
    return isFault(handle)
      ? needs.renderError(handle, request)
      : seeOther(continuationOf(needs.issuer, read.client.clientId, handle));
  }
  return proceed(needs, read, visit, request);
};

/** Who is there, and what must be known of them. */
type Visit = { readonly session: Session; readonly known: StoredFacts };

const findVisit = async (
  { platform }: Authorizing,
  { request: asked, client, stored }: CheckedRequest,
  request: WebRequest,
): Promise<Visit | undefined> => {
  const key = sessionKeyOf(request);
  if (key === undefined) return undefined;
  const boundFor = (session: Pick<Session, "id"> | undefined) =>
    settledTenant({ request: asked, client, stored, session });
  // As if it were the session that has answered the request so far, which it mostly is.
  const likely = boundFor(stored?.session ? { id: stored.session } : undefined);
  const visit = await readVisit(platform.database, key, platform.clock.now(), likely, client.clientId);
  if (visit === undefined) return undefined;
  const { session, facts } = visit;
  const bound = boundFor(session);
  return {
    session,
    known: bound === likely ? facts : await readFacts(platform.database, session, bound, client.clientId),
  };
};

const proceed = async (
  needs: Authorizing,
  read: CheckedRequest,
  visit: Visit | undefined,
  request: WebRequest,
): Promise<WebResponse> => {
  const { client, place, stored } = read;
  const { session, known } = visit ?? {};
  const facts = session && known && (await factsOf(needs, session, known, request));
  const step = nextStep({
    request: read.request,
    client,
    stored,
    session,
    facts,
    now: needs.platform.clock.now(),
  });
  if (step.at === "error") return refuse(needs, read, step.failure, request);
  if (step.at !== "done" || session === undefined || known === undefined)
    return toPage(needs, read, session, step, request);
  const code = await finishWithCode(
    needs,
    read,
    { session, bound: step.bound, scopes: step.scopes, identitySource: known.identity_source },
    request.requestId,
  );
  if (code === undefined) return proceed(needs, read, undefined, request);
  return isFault(code) ? needs.renderError(code, request) : codeAnswer(needs.issuer, place, code, request);
};

const factsOf = async (
  { platform }: Authorizing,
  session: Session,
  stored: StoredFacts,
  request: WebRequest,
): Promise<Facts> => {
  const { bound, several, totp, passkey } = stored;
  const policy = { ...defaultPolicy, ...stored.policy };
  const now = platform.clock.now();
  const remembered =
    asksForDevice(session, { policy, totp, passkey }) &&
    (await platform.database.transaction(session.home, (tx) => isRememberedDevice(tx, session, policy, request, now)));
  const consent = stored.consent === null ? undefined : { ...stored.consent, details: stored.consent.details ?? [] };
  return { bound, several, policy, consent, totp, passkey, remembered };
};

/** An error is an answer too: a stored request has had its one. */
const refuse = async (
  needs: Authorizing,
  { place, stored }: Pick<CheckedRequest, "place" | "stored">,
  failure: Fault,
  request: WebRequest,
): Promise<WebResponse> => {
  const finished = stored === undefined ? undefined : await finish(needs, stored);
  return isFault(finished) ? needs.renderError(finished, request) : errorAnswer(needs.issuer, place, failure, request);
};

const pages = {
  sign_in: "/sign-in",
  reauthenticate: "/sign-in",
  second_factor: "/sign-in/second-factor",
  enrol: "/sign-in/enrol",
  choose_tenant: "/tenants",
  consent: "/consent",
} as const;

/** The page asks, and sends the browser back here. */
const toPage = async (
  needs: Authorizing,
  read: CheckedRequest,
  session: Session | undefined,
  step: Exclude<Step, { at: "error" }>,
  request: WebRequest,
): Promise<WebResponse> => {
  // `done` without a session cannot be; should it ever, it is a sign-in.
  const at = step.at === "done" ? "sign_in" : step.at;
  const handle = await keep(needs, read, session, step.at === "consent" ? step.bound : null, request);
  if (isFault(handle)) return needs.renderError(handle, request);
  const again = at === "reauthenticate" ? "&reauthenticate=1" : "";
  return seeOther(`${needs.issuer}${pages[at]}?request=${handle}${again}`);
};

/** Where the browser comes back to. */
export const continuationOf = (issuer: string, clientId: string, handle: string): string =>
  `${issuer}/oauth/authorize?${new URLSearchParams({ client_id: clientId, request_uri: requestUriPrefix + handle }).toString()}`;

/**
 * Stores the request, or keeps the one that is, while a human is asked. A page that shows a tenant has it settled first, for this session:
 * what the human then agrees to is what was shown. Answers of another session, or for another tenant, are dropped.
 */
const keep = async (
  { platform, limits }: Authorizing,
  read: CheckedRequest,
  session: Session | undefined,
  shown: TenantId | null,
  request: WebRequest,
): Promise<Result<string>> => {
  const { client, stored } = read;
  const now = platform.clock.now();
  if (stored === undefined) {
    const limited = session ? undefined : await limits.take("authorization-request.address", request.address());
    if (limited !== undefined) return limited;
    const secret = newSecret("authorization_request", client.tenant, client.id as never);
    await platform.database.transaction(client.tenant, (tx) =>
      insertRequest(tx, {
        id: newId(),
        hash: secret.hash,
        application: client.id,
        via: "page",
        parameters: read.parameters,
        dpopJkt: read.request.dpopJkt,
        createTime: new Date(now),
        expireTime: new Date(now + waitingTtlSeconds * 1000),
        session: shown === null ? null : (session?.id ?? null),
        bound: shown,
      }),
    );
    return secret.text;
  }
  if (!isKept(stored, session, shown))
    await platform.database.transaction(stored.tenant, (tx) =>
      answerRequest(
        tx,
        stored.id,
        {
          session: shown === null ? stored.session : (session?.id ?? null),
          bound: shown === null ? stored.bound : shown,
          consentTime: null,
          scopes: null,
          expireTime: new Date(stored.createTime + waitingTtlSeconds * 1000),
        },
        new Date(now),
      ),
    );
  return stored.handle;
};

const isKept = (stored: StoredRequest, session: Session | undefined, shown: TenantId | null): boolean =>
  stored.expireTime >= stored.createTime + waitingTtlSeconds * 1000 &&
  (shown === null || (stored.session === session?.id && stored.bound === shown && stored.scopes === null));
