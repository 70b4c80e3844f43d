/** A tenant's logo, for those who are about to sign in to it. An image, and nothing a browser could take for anything else. */
import { isUuid, type TenantId } from "../../../core/ids.ts";
import type { Platform } from "../../platform/platform.ts";
import type { WebRequest, WebResponse } from "../../platform/web/request.ts";
import { findLogo } from "../../policies/brandings/store.ts";
import { errorPage } from "../error-page.ts";
import type { PageRoute } from "../page-route.ts";
import type { Site } from "../site.ts";

type Needs = Site & { readonly platform: Pick<Platform, "database"> };

/** Its URL has the branding's revision. */
const cache_seconds = 86_400;

const headers = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; sandbox",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
} as const;

const absent: WebResponse = {
  status: 404,
  headers: { ...headers, "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
  body: "there is no such logo",
};

export const logoRoute = (needs: Needs): PageRoute => ({
  kind: "page",
  method: "GET",
  path: "/branding/logo",
  policy: { public: "a logo stands on the pages people see before they have signed in" },
  handle: (request) => logo(needs, request),
  refuse: (failure, requestId) => errorPage(needs, failure, requestId),
});

const logo = async ({ platform }: Needs, { query }: WebRequest): Promise<WebResponse> => {
  const { tenant } = query;
  if (typeof tenant !== "string" || !isUuid(tenant)) return absent;
  const found = await platform.database.transaction(tenant as TenantId, findLogo);
  if (found === undefined) return absent;
  return {
    status: 200,
    headers: { ...headers, "content-type": found.type, "cache-control": `public, max-age=${cache_seconds}` },
    body: found.octets,
  };
};
