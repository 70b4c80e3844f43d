/** The human of a session as the caller of an operation: with all of their authority in the tenant, as no token narrows it. */
import { fault, type Result } from "../../../core/faults.ts";
import { rootNode, type TenantId } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import type { Caller } from "../../authority/caller.ts";
import { factsOf } from "../../authority/facts.ts";
import { readFactsIn } from "../../authority/store.ts";
import type { Platform } from "../../platform/platform.ts";
import type { Session } from "../../sessions/model.ts";
import { seconds } from "../../platform/clock.ts";
import { platformIdentity } from "../../principals/users/model.ts";

type Needs = { readonly platform: Pick<Platform, "database">; readonly model: Model };

export const callerOf = async (
  { platform, model }: Needs,
  { user, id, acr, authTime }: Session,
  tenant: TenantId,
): Promise<Result<Caller>> => {
  const principal = { kind: "human", id: user } as const;
  const key = { principal, bound: tenant, tenant, node: rootNode(tenant) };
  const facts = await platform.database.transaction(tenant, async (tx) =>
    factsOf(model, key, await readFactsIn(tx, key)),
  );
  if (facts === undefined || facts.principal.state !== "active")
    return fault("not_found", "you are not a member there");
  return {
    principal,
    tenant,
    credential: { kind: "session", id },
    clientId: null,
    scopes: undefined,
    facts,
    human: { session: id, identitySource: platformIdentity, acr, authTime: seconds(authTime) },
  };
};
