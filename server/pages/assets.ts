/**
 * Style sheet, scripts and drawings, from files, held in memory. Their URLs carry a digest of what they are, so browsers may keep them for
 * good and still never show an old one.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { WebResponse } from "../platform/web/request.ts";
import type { PageRoute } from "./page-route.ts";
import { hrefOf, type Site } from "./site.ts";

const own = (name: string): Buffer => readFileSync(join(import.meta.dirname, "assets", name));

const types = {
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
} as const;

/** The browser's half of WebAuthn, as its authors publish it. */
const webauthn = (): Buffer =>
  readFileSync(
    join(
      // its main file, script/index.js: the package does not export the bundle by name
      createRequire(import.meta.url).resolve("@simplewebauthn/browser"),
      "../../dist/bundle/index.umd.min.js",
    ),
  );

const files = {
  "style.css": { type: types.css, content: own("style.css") },
  "seal.svg": { type: types.svg, content: own("seal.svg") },
  "guilloche.svg": { type: types.svg, content: own("guilloche.svg") },
  "passkeys.js": { type: types.js, content: own("passkeys.js") },
  "fragment.js": { type: types.js, content: own("fragment.js") },
  "webauthn.js": { type: types.js, content: webauthn() },
} as const;

export type AssetName = keyof typeof files;
export const assetNames = Object.keys(files) as readonly AssetName[];

const digests = Object.fromEntries(
  assetNames.map((name) => [name, createHash("sha256").update(files[name].content).digest("base64url").slice(0, 12)]),
) as Readonly<Record<AssetName, string>>;

export const assetHref = (site: Site, name: AssetName): string => hrefOf(site, `/assets/${name}`, { v: digests[name] });

export const assetOctets = (name: AssetName): number => files[name].content.length;

const forGood = "public, max-age=31536000, immutable";
const forNow = "public, max-age=300";

export const assetRoutes = (refuse: PageRoute["refuse"]): readonly PageRoute[] =>
  assetNames.map((name) => ({
    kind: "page",
    method: "GET",
    path: `/assets/${name}`,
    policy: { public: "what pages are drawn with; the same for everybody" },
    refuse,
    handle: async ({ query }) => asset(name, query["v"] === digests[name]),
  }));

const asset = (name: AssetName, isNamed: boolean): WebResponse => ({
  status: 200,
  headers: {
    "content-type": files[name].type,
    "cache-control": isNamed ? forGood : forNow,
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    // An SVG can be opened as a document of its own.
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
  },
  body: files[name].content,
});
