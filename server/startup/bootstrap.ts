/**
 * The first key to the house: a service account of the host that is super admin for 24 hours, and the link with which the first human
 * sets itself up. Whoever can read the data directory, or reach the database with the deployment's key, may have them.
 */
import { createHash } from "node:crypto";
import { unattributed } from "../../core/attribution.ts";
import { hostTenant, type PrincipalId, principalRef, rootNode } from "../../core/ids.ts";
import { appendInTransaction } from "../audit/store.ts";
import { insertAssignment } from "../authority/assignments-store.ts";
import { emit } from "../events/store.ts";
import type { Platform } from "../platform/platform.ts";
import { newId, randomOctets } from "../platform/random.ts";
import { newClientId } from "../principals/service-accounts/create-service-account.ts";
import { insertClientSecret, insertServiceAccount } from "../principals/service-accounts/store.ts";
import { accessTokenTtlSecondsDefault } from "../principals/service-accounts/model.ts";
import { newSecret } from "../tokens/secret-text.ts";
import type { Bootstrap } from "./bootstrap-file.ts";
import { insertSetupLink } from "./store.ts";

const lifetimeMs = 24 * 3600 * 1000;
const setupOctets = 32;
/** The host role that every model has. */
const superAdmin = "super_admin";

/** Makes a new host service account, and says so in the host's audit log. */
export const bootstrap = async ({ database, clock }: Platform, issuer: string): Promise<Bootstrap> => {
  const now = clock.now();
  const at = new Date(now);
  const expires = new Date(now + lifetimeMs);
  const account = newId<PrincipalId>();
  const secret = newSecret("client_secret", hostTenant, account);
  const clientId = newClientId();
  const setup = randomOctets(setupOctets).toString("base64url");

  await database.hostTransaction(async (tx) => {
    const node = { id: rootNode(hostTenant), type: "host" };
    await insertServiceAccount(tx, {
      tenant: hostTenant,
      id: account,
      node,
      clientId,
      displayName: "Bootstrap",
      state: "active",
      scopes: ["*"],
      accessTokenFormat: "jwt",
      accessTokenTtlSeconds: accessTokenTtlSecondsDefault,
      jwks: null,
      revision: 1,
      createTime: at,
      updateTime: at,
    });
    await insertClientSecret(tx, {
      id: newId(),
      account,
      hash: secret.hash,
      keyId: secret.keyId,
      createTime: at,
      expireTime: expires,
    });
    await insertAssignment(tx, {
      id: newId(),
      principal: { kind: "service", id: account },
      node: node.id,
      role: { name: superAdmin },
      propagation: "subtree",
      expireTime: expires,
      now: at,
    });
    await insertSetupLink(tx, createHash("sha256").update(setup).digest(), at, expires);
    const ref = principalRef("service", account);
    await emit(
      tx,
      { type: "service-account.created", subject: ref, data: { display_name: "Bootstrap", client_id: clientId } },
      unattributed,
      now,
    );
    await appendInTransaction(tx, {
      tenant: hostTenant,
      id: newId(),
      time: now,
      action: "host.bootstrap",
      outcome: "done",
      attribution: unattributed,
      target: ref,
      targetPath: null,
      permission: null,
      bypass: false,
      because: { rule: "operator" },
      detail: { role: superAdmin, expires_at: expires.toISOString() },
    });
  });
  return {
    issuer,
    setup_url: `${issuer}/setup#${setup}`,
    client_id: clientId,
    client_secret: secret.text,
    expires_at: expires.toISOString(),
  };
};
