/** One deployment and one Chromium for a file of walks. */
import assert from "node:assert/strict";
import { after } from "node:test";
import type { Page } from "playwright-core";
import { type App, authorizeKit, pkce, queryOf } from "../oauth/authorize-kit.ts";
import { type Deployment, startDeployment, type Tenant } from "../oauth/deployment.ts";
import { openChromium, openWindow, type Window } from "./chromium.ts";
import { password, receiver } from "./people.ts";

export const openWalk = async () => {
  const deployment = await startDeployment();
  const browser = await openChromium();
  const client = await receiver();
  const kit = authorizeKit(deployment);
  const windows: Window[] = [];
  after(async () => {
    await browser.close();
    client.server.close();
    await deployment.close();
    assert.deepEqual(
      windows.flatMap(({ complaints }) => complaints),
      [],
      "the browser refused something, or a script broke",
    );
  });
  const { issuer } = deployment;
  return {
    deployment,
    issuer,
    client,
    kit,
    window: async (options: { readonly javaScript?: boolean; readonly locale?: string } = {}): Promise<Window> => {
      const opened = await openWindow(browser, { issuer, ...options });
      windows.push(opened);
      return opened;
    },
    /** An application whose answers come to `client`. */
    application: (metadata: Readonly<Record<string, unknown>> = {}, tenant?: Tenant): Promise<App> =>
      kit.application({ redirect_uris: [client.redirectUri], ...metadata }, tenant),
    /** The URL an application sends a browser to. */
    authorizeUrl: (app: App, more: Readonly<Record<string, string>> = {}): string => {
      const { code_challenge, code_challenge_method } = pkce();
      return `${issuer}/oauth/authorize?${queryOf({
        response_type: "code",
        client_id: app.client_id,
        redirect_uri: client.redirectUri,
        scope: "openid",
        state: "s",
        code_challenge,
        code_challenge_method,
        ...more,
      })}`;
    },
  };
};

export type Walk = Awaited<ReturnType<typeof openWalk>>;

/** A whole deployment's own pages, and what a page says on top. */
export const heading = (page: Page): Promise<string> => page.locator("h1").innerText();

export const press = (page: Page, name: string): Promise<void> =>
  page.getByRole("button", { name, exact: true }).click();

/** E-mail first, then the password. The browser is left where that leads. */
export const signIn = async (page: Page, email: string, secret: string = password): Promise<void> => {
  await page.getByLabel("E-mail address").fill(email);
  await press(page, "Continue");
  await page.getByLabel("Password").fill(secret);
  await press(page, "Sign in");
};

export const ofDeployment = (deployment: Deployment): string => deployment.servers[0]?.output().slice(-4_000) ?? "";
