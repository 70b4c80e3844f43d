/**
 * A human who can sign in: a user with a password, made through the API, and a browser in which it is signed in.
 *
 *     const ada = await newHuman(acme, { role: "owner" });
 *     const browser = await signIn(deployment, ada);
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { hash } from "@node-rs/argon2";
import type { Deployment, Tenant } from "../oauth/deployment.ts";
import { type Browser, openBrowser } from "./browser.ts";

export type Human = { readonly id: string; readonly ref: string; readonly email: string; readonly password: string };

/** As cheap as the bounds of imported hashes let it be: the first sign-in replaces it. */
const cheap = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export const newHuman = async (tenant: Tenant, { role }: { readonly role?: string } = {}): Promise<Human> => {
  const email = `${randomUUID()}@acme.example`;
  const password = `correct horse ${randomUUID()}`;
  const made = await tenant.does("/v1/users", {
    parent: tenant.ref,
    email,
    display_name: "Ada Lovelace",
    ...(role === undefined ? {} : { role }),
  });
  const id = String(made["id"]);
  await tenant.does(`/v1/users/${id}:importPassword`, { password_hash: await hash(password, cheap) });
  return { id, ref: String(made["resource"]), email, password };
};

/** By the forms: e-mail, then password. The human must have no second factor. */
export const signIn = async (deployment: Deployment, human: Human, on = 0): Promise<Browser> => {
  const browser = openBrowser(deployment.issuer, deployment.base(on));
  await browser.get("/sign-in");
  await browser.submit({ email: human.email });
  const page = await browser.submit({ password: human.password });
  assert.match(page.url, /\/account$/, `${page.url}: ${page.text.slice(0, 2_000)}`);
  return browser;
};
