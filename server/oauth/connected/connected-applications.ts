/** The applications that hold something of a human: what they may do, for which tenant, since when; and taking it back. */
import { fault, type Result } from "../../../core/faults.ts";
import { hostTenant, principalRef, type TenantId } from "../../../core/ids.ts";
import { emit } from "../../events/store.ts";
import type { Tx } from "../../platform/database/database.ts";
import { ownAttribution } from "../../sessions/attribution.ts";
import type { Session } from "../../sessions/model.ts";
import { inTenant } from "../../sign-in/account/store.ts";
import { type Asking, note, withAccount } from "../../sign-in/account/visit.ts";
import type { SignIn } from "../../sign-in/needs.ts";
import { endFamiliesOfConsent } from "../grants/end-family.ts";
import { connectedOf, nameOfClient, nameOfTenant, withdrawConsent } from "./store.ts";

export type Connected = {
  readonly clientId: string;
  readonly name: string;
  readonly bound: TenantId;
  readonly boundName: string;
  readonly scopes: readonly string[];
  readonly since: Date;
  readonly used: Date | null;
};

const shown_max = 100;

/** Last used first. */
export const connectedApplications = (needs: SignIn, session: Session): Promise<Result<readonly Connected[]>> =>
  withAccount(needs, { session }, async (tx, { user }, now) => {
    const rows = await connectedOf(tx, user, new Date(now), shown_max);
    const nameOf = remembering((tenant) => inTenant(tx, tenant, (there) => nameOfTenant(there)));
    const connected: Connected[] = [];
    for (const row of rows)
      connected.push({
        clientId: row.client_id,
        name: (await clientName(tx, row.client_id, row.client_tenant)) ?? row.client_id,
        bound: row.bound,
        boundName: (await nameOf(row.bound)) ?? row.bound,
        scopes: row.scopes,
        since: row.since,
        used: row.used,
      });
    return connected;
  });

const idOctets = 16;

/** Where a client lives its id says; a client ID metadata document is kept at the host. */
const clientName = (tx: Tx, clientId: string, known: TenantId | null): Promise<string | undefined> => {
  const tenant = known ?? (clientId.startsWith("https://") ? hostTenant : tenantIn(clientId));
  return tenant === undefined
    ? Promise.resolve(undefined)
    : inTenant(tx, tenant, (there) => nameOfClient(there, clientId));
};

const tenantIn = (clientId: string): TenantId | undefined => {
  const octets = Buffer.from(clientId.replace(/^app_live_/, ""), "base64url");
  if (octets.length <= idOctets) return undefined;
  const hex = octets.toString("hex", 0, idOctets);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5") as TenantId;
};

const remembering = (
  find: (tenant: TenantId) => Promise<string | undefined>,
): ((tenant: TenantId) => Promise<string | undefined>) => {
  const known = new Map<TenantId, string | undefined>();
  return async (tenant) => {
    if (!known.has(tenant)) known.set(tenant, await find(tenant));
    return known.get(tenant);
  };
};

/** What was agreed to is forgotten, and every token that came of it is dead. */
export const disconnectApplication = (
  needs: SignIn,
  asking: Asking,
  { clientId, bound }: { readonly clientId: string; readonly bound: TenantId },
): Promise<Result<void>> =>
  withAccount<void>(needs, asking, async (tx, { user }, now) => {
    const withdrawn = await withdrawConsent(tx, user, clientId, bound);
    const ended = await endFamiliesOfConsent(tx, { user, clientId, bound }, "consent_withdrawn", now);
    if (!withdrawn && ended === 0) return fault("not_found", "the application holds nothing of yours");
    await note(tx, asking, "disconnect-application", now, { client_id: clientId, tenant: bound });
    const { session, request } = asking;
    const subject = principalRef("human", user);
    const data = { user: subject, client_id: clientId, tenant: bound };
    await emit(tx, { type: "consent.withdrawn", subject, data }, ownAttribution(session, request.requestId), now);
    return undefined;
  });
