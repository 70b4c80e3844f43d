/**
 * A client that did not prove who it is. It is counted, for its address and for the client it names, when it fails and no sooner: who
 * authenticates rightly pays nothing for those who do not. And it is recorded, where the client it names lives: whose secret is being tried
 * should be told. What is refused for being too often is recorded no more, so that nobody fills a log from outside.
 */
import { unattributed } from "../../core/attribution.ts";
import type { Fault } from "../../core/faults.ts";
import { formatRef, hostTenant, principalRef, type TenantId } from "../../core/ids.ts";
import { appendMany } from "../audit/store.ts";
import { type ClientSource, clientNamed } from "../clients/authenticate.ts";
import { isApplicationId } from "../clients/client-id.ts";
import { findClient } from "../clients/find-client.ts";
import type { Limits } from "../platform/limits/limits.ts";
import type { Platform } from "../platform/platform.ts";
import { newId } from "../platform/random.ts";
import type { WebRequest } from "../platform/web/request.ts";
import { addressClass } from "../platform/web/address.ts";
import { readClient } from "./store.ts";

type Needs = { readonly platform: Platform; readonly limits: Limits };
type Failing = ClientSource & Pick<WebRequest, "address" | "requestId">;

/** The failure, or that there have been too many of them. Faults that are not about who the client is pass through. */
export const failedClient = async (needs: Needs, failure: Fault, request: Failing): Promise<Fault> => {
  if (failure.fault !== "invalid_client") return failure;
  const address = request.address();
  const named = clientNamed(request);
  const limited =
    (await needs.limits.take("token.address", address)) ??
    (await needs.limits.take("token.client-address", `${named ?? ""} ${addressClass(address)}`));
  if (limited !== undefined) return limited;
  await record(needs.platform, named, address, request.requestId);
  return failure;
};

type Found = { readonly tenant: TenantId; readonly ref: string };

const found = async (platform: Platform, clientId: string): Promise<Found | undefined> => {
  if (isApplicationId(clientId)) {
    const client = await findClient(platform, clientId);
    return client && { tenant: client.tenant, ref: formatRef("applications", client.id) };
  }
  const account = await readClient(platform.database, clientId);
  return account && { tenant: account.tenant, ref: principalRef("service", account.id) };
};

const record = async (
  platform: Platform,
  clientId: string | undefined,
  address: string,
  requestId: string,
): Promise<void> => {
  const client = clientId === undefined ? undefined : await found(platform, clientId);
  await appendMany(platform.database, [
    {
      tenant: client?.tenant ?? hostTenant,
      id: newId(),
      time: platform.clock.now(),
      action: "oauth.client-authentication",
      outcome: "denied",
      // Nobody proved anything: the client that was named is the target, and not the one who did it.
      attribution: { ...unattributed, request_id: requestId },
      target: client?.ref ?? null,
      targetPath: null,
      permission: null,
      bypass: false,
      because: { rule: "invalid_client" },
      detail: { address, ...(client === undefined ? {} : { client_id: clientId }) },
    },
  ]);
};
