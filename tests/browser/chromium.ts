/**
 * A real Chromium under a test's hand. Nothing of it reaches the network but the pages it is sent to; every complaint of a page, a refused
 * script or a broken one, is kept and fails the test that looks.
 */
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { ensureChromium } from "../../tools/servers.ts";

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
] as const;

export const openChromium = (): Promise<Browser> =>
  chromium.launch({ executablePath: ensureChromium(), args: [...flags], headless: true });

export type Window = {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the browser said about the pages: errors of scripts, and what the content security policy refused. */
  readonly complaints: readonly string[];
};

export const phone = { width: 390, height: 844 } as const;
export const desk = { width: 1280, height: 800 } as const;

type Options = { readonly locale?: string; readonly javaScript?: boolean; readonly issuer: string };

export const openWindow = async (
  browser: Browser,
  { locale = "en-GB", javaScript = true, issuer }: Options,
): Promise<Window> => {
  const context = await browser.newContext({
    locale,
    javaScriptEnabled: javaScript,
    viewport: desk,
    baseURL: issuer,
    reducedMotion: "reduce",
  });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // A page that answers 4xx is said here too; that is for the test to ask.
    if (message.type() === "error" && !message.text().includes("the server responded with a status of"))
      complaints.push(message.text());
  });
  return { context, page, complaints };
};
