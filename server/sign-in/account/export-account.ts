/** Everything kept about a human, for the human: in every tenant they belong to, with its log. No secret is in it. */
import type { Result } from "../../../core/faults.ts";
import { principalRef } from "../../../core/ids.ts";
import { tenantsOf } from "../../principals/memberships/store.ts";
import type { SignIn } from "../needs.ts";
import { inTenant, ownEntries, ownRowsAtHome, ownRowsIn } from "./store.ts";
import { type Asking, note, withRecent } from "./visit.ts";

const entries_max = 10_000;

export const exportAccount = (needs: SignIn, asking: Asking): Promise<Result<object>> =>
  withRecent(needs, asking, async (tx, { user, home }, now) => {
    const tenants: object[] = [];
    for (const tenant of await tenantsOf(tx, user))
      tenants.push({ tenant, ...(await inTenant(tx, tenant, (there) => ownRowsIn(there, user))) });
    const log = await ownEntries(tx, principalRef("human", user), new Date(now + 1_000), new Date(0), entries_max);
    await note(tx, asking, "export", now);
    const own = await ownRowsAtHome(tx, user);
    return {
      exported_at: new Date(now).toISOString(),
      issuer: needs.issuer,
      home_tenant: home,
      ...own,
      tenants,
      security_log: log.map(({ id, time, action, outcome, detail, client_id }) => ({
        id,
        time: time.toISOString(),
        action,
        outcome,
        client_id,
        detail,
      })),
    };
  });
