/**
 * Changes under way when a server dies: each is sent under an idempotency key, and is then either acknowledged or nobody knows. What a
 * tenant has of them afterwards is counted through the API.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Deployment, Tenant } from "../oauth/deployment.ts";
import type { Answer } from "../oauth/http.ts";

export type Change = {
  readonly path: string;
  /** The collection it adds to, and the event and audit action it must leave. */
  readonly collection: string;
  readonly action: string;
  readonly event: string;
  /** Its idempotency key, and part of its name: no two changes have the same. */
  readonly key: string;
  readonly body: object;
  /** The id it was acknowledged with. */
  acknowledged: string | undefined;
};

/** Something new in the tenant, of one kind after the other. */
export const newChange = (tenant: Tenant, nth: number): Change => {
  const key = randomUUID();
  const made = (collection: string, event: string, body: object): Change => ({
    path: `/v1/${collection}`,
    collection,
    action: `${collection}.create`,
    event: `countersign.${event}.created.v1`,
    key,
    body,
    acknowledged: undefined,
  });
  const parent = tenant.ref;
  switch (nth % 3) {
    case 0:
      return made("service-accounts", "service-account", { parent, display_name: key });
    case 1:
      return made("roles", "role", { display_name: key, permissions: ["accounts:read"] });
    default:
      return made("users", "user", { parent, display_name: key, email: `${key}@acme.example`, role: "viewer" });
  }
};

export const sendChange = (deployment: Deployment, tenant: Tenant, change: Change, on: number): Promise<Answer> =>
  deployment.post(change.path, deployment.host, change.body, on, {
    "idempotency-key": change.key,
    "countersign-tenant": tenant.ref,
  });

/** Keeps `width` changes under way at process number `on` until told to stop; every change it began is in `all`. */
export const load = (deployment: Deployment, tenant: Tenant, on: number, width: number, all: Change[]) => {
  const state = { running: true, acknowledged: 0 };
  const writer = async (first: number): Promise<void> => {
    for (let nth = first; state.running; nth += 1) {
      const change = newChange(tenant, nth);
      all.push(change);
      const answer = await sendChange(deployment, tenant, change, on).catch(() => undefined);
      // No answer: the server has died, and whether the change was made is not known.
      if (answer === undefined) return;
      assert.equal(answer.status, 201, answer.text);
      change.acknowledged = answer.json<{ id: string }>().id;
      state.acknowledged += 1;
    }
  };
  const writers = Promise.all(Array.from({ length: width }, (_, first) => writer(first)));
  return {
    acknowledged: () => state.acknowledged,
    /** Resolves when no change is under way any more. */
    stopped: async (): Promise<void> => {
      state.running = false;
      await writers;
    },
  };
};

type Row = Readonly<Record<string, unknown>> & { readonly id: string; readonly display_name: string };

/** All of a list, page by page, as the host sees it in the tenant. */
export const everyRow = async (deployment: Deployment, tenant: Tenant, collection: string): Promise<readonly Row[]> => {
  const rows: Row[] = [];
  for (let token = ""; ; ) {
    const page = await readAs(deployment, tenant, `/v1/${collection}?page_size=1000&page_token=${token}`);
    rows.push(...(page["items"] as Row[]));
    token = String(page["next_page_token"]);
    if (token === "") return rows;
  }
};

export type Event = { readonly id: string; readonly type: string; readonly subject: string; readonly sequence: string };

/** All of a tenant's events, in their order. */
export const everyEvent = async (deployment: Deployment, tenant: Tenant): Promise<readonly Event[]> => {
  const events: Event[] = [];
  for (let cursor = "0"; ; ) {
    const page = await readAs(deployment, tenant, `/v1/events?page_size=1000&cursor=${cursor}`);
    const found = page["events"] as Event[];
    if (found.length === 0) return events;
    events.push(...found);
    cursor = String(page["next_cursor"]);
  }
};

const readAs = async (
  deployment: Deployment,
  tenant: Tenant,
  path: string,
): Promise<Readonly<Record<string, unknown>>> => {
  const headers = { authorization: `Bearer ${deployment.host}`, "countersign-tenant": tenant.ref };
  const answer = await deployment.send(path, { headers });
  assert.equal(answer.status, 200, answer.text);
  return answer.json();
};

/** While the dead server's transactions end in the database, the same request is still running there. */
const settledWithinMs = 10_000;

/** Sends every change again: none is made twice, and what was acknowledged is answered as it was, but for its secret. */
export const repeatAll = async (
  deployment: Deployment,
  tenant: Tenant,
  all: readonly Change[],
  on: number,
): Promise<void> => {
  const waiting = all.values();
  const repeat = async (): Promise<void> => {
    for (const change of waiting) {
      const answer = await settled(deployment, tenant, change, on);
      assert.equal(
        answer.status,
        201,
        `${change.action}, ${change.acknowledged === undefined ? "not " : ""}acknowledged: ${answer.text}`,
      );
      const { id, client_secret } = answer.json<{ id: string; client_secret?: string }>();
      if (change.acknowledged !== undefined) {
        assert.equal(id, change.acknowledged, "an acknowledged change is the one that is there");
        assert.equal(answer.headers["idempotent-replayed"], "true");
        assert.equal(client_secret, undefined);
      }
      change.acknowledged = id;
    }
  };
  await Promise.all(Array.from({ length: 8 }, repeat));
};

const settled = async (deployment: Deployment, tenant: Tenant, change: Change, on: number): Promise<Answer> => {
  for (const deadline = Date.now() + settledWithinMs; ; ) {
    const answer = await sendChange(deployment, tenant, change, on);
    if (answer.status !== 409 || Date.now() > deadline) return answer;
  }
};

/** Events are placed a moment after the commit that wrote them, by whichever process is the relay then. */
const placedWithinMs = 15_000;

const everyPlacedEvent = async (
  deployment: Deployment,
  tenant: Tenant,
  all: readonly Change[],
): Promise<readonly Event[]> => {
  const types = new Set(all.map(({ event }) => event));
  for (const deadline = Date.now() + placedWithinMs; ; ) {
    const events = await everyEvent(deployment, tenant);
    const placed = events.filter(({ type }) => types.has(type)).length;
    if (placed >= all.length || Date.now() > deadline) return events;
  }
};

/** Each change is there once, whole: what it made, its audit entry, its event. And nothing else is. */
export const assertWhole = async (deployment: Deployment, tenant: Tenant, all: readonly Change[]): Promise<void> => {
  const entries = await everyRow(deployment, tenant, "audit-entries");
  const events = await everyPlacedEvent(deployment, tenant, all);
  for (const collection of ["service-accounts", "roles", "users"]) {
    const changes = all.filter((change) => change.collection === collection);
    const rows = await everyRow(deployment, tenant, collection);
    const made = (each: readonly (string | undefined)[]): readonly string[] => each.map(String).toSorted();
    assert.deepEqual(
      made(rows.map(({ display_name }) => display_name)),
      made(changes.map(({ key }) => key)),
      `each of ${collection} once`,
    );
    assert.deepEqual(made(rows.map(({ id }) => id)), made(changes.map(({ acknowledged }) => acknowledged)));
    const [first] = changes;
    const done = entries.filter(({ action, outcome }) => action === first?.action && outcome === "done");
    assert.equal(done.length, changes.length, `an audit entry for each of ${collection}`);
    const told = events.filter(({ type }) => type === first?.event).map(({ subject }) => subject);
    assert.deepEqual(
      made(told),
      made(rows.map(({ id }) => `${collection}/${id}`)),
      `an event for each of ${collection}`,
    );
  }
};
