/** What the walks need of a deployment: people with passwords, tenants with policies, applications, and the mail they were sent. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hash } from "@node-rs/argon2";
import type { Deployment, Tenant } from "../oauth/deployment.ts";
import { mailedLink as linkMailedTo } from "../support/mail-folder.ts";

export const password = "correct horse battery staple";

/** A human with a password, in the tenant. */
export const person = async (
  deployment: Deployment,
  tenant: Tenant,
  email: string,
  displayName = "Ada Lovelace",
): Promise<{ readonly id: string; readonly email: string }> => {
  const made = await tenant.does("/v1/users", { parent: tenant.ref, email, display_name: displayName });
  const password_hash = await hash(password, { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 });
  await tenant.does(`/v1/users/${String(made["id"])}:importPassword`, { password_hash });
  await deployment.sql("update users set email_verified_time = now() where id = $1", [String(made["id"])]);
  return { id: String(made["id"]), email };
};

/** The tenant's sign-in policy, past the API. */
export const policy = async (deployment: Deployment, tenant: Tenant, document: object): Promise<void> => {
  await deployment.sql(
    `insert into sign_in_policies values ($1, $2, 1, now(), now())
     on conflict (tenant_id) do update set document = excluded.document`,
    [tenant.id, JSON.stringify(document)],
  );
};

const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const stepSeconds = 30;

/** RFC 6238, of the key a page shows. `stepsAhead` for a code that was not used yet. */
export const totp = (secret: string, stepsAhead = 0): string => {
  const bits = Array.from(secret.replaceAll(/[\s=]/g, ""))
    .map((one) => base32.indexOf(one).toString(2).padStart(5, "0"))
    .join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000 / stepSeconds) + stepsAhead));
  const digest = createHmac("sha1", key).update(counter).digest();
  const at = (digest.at(-1) ?? 0) & 15;
  return String((digest.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
};

/** The link in the newest mail to this address, whichever process sent it. */
export const mailedLink = (deployment: Deployment, to: string): Promise<string> =>
  linkMailedTo(
    deployment.servers.map(({ dataDir }) => dataDir),
    to,
  );

export type Receiver = { readonly redirectUri: string; readonly server: Server };

/** A client's redirect URI: says what it was told. */
export const receiver = async (): Promise<Receiver> => {
  const server = createServer((request, response) => {
    response.writeHead(200, { "content-type": "text/html", connection: "close" });
    response.end(
      `<!doctype html><html lang="en"><title>The application</title><h1>The application</h1><p>${request.url?.split("?")[0]}`,
    );
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return { redirectUri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/cb`, server };
};

export const pathOf = (url: string): string => new URL(url).pathname;

export const assertAt = (url: string, path: string): void => assert.equal(pathOf(url), path, url);
