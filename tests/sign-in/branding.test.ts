// Brandings: a tenant's name, colour and logo; what could not be read is refused when it is saved, what is no image is no logo.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { TenantId } from "../../core/ids.ts";
import type { Caller } from "../../server/authority/caller.ts";
import { logoRoute } from "../../server/pages/account/logo.ts";
import { contrast, grounds, readColor, textOn } from "../../server/policies/brandings/contrast.ts";
import { getBranding } from "../../server/policies/brandings/get-branding.ts";
import { updateBranding } from "../../server/policies/brandings/update-branding.ts";
import type { WebRequest } from "../../server/platform/web/request.ts";
import { openWorkbench, type Workbench } from "../support/engine.ts";

let bench: Workbench;
let acme: TenantId;
let owner: Caller;
before(async () => {
  bench = await openWorkbench();
  acme = await bench.tenant("Acme");
  owner = await bench.ownerOf(acme);
});
after(() => bench.close());

const png = Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), Buffer.alloc(200, 7)]);
const update = (change: object, ifMatch: string) =>
  bench.ok(updateBranding, owner, { id: acme, ...change }, { ifMatch });
const refusedChange = (code: Parameters<Workbench["refused"]>[0], change: object) =>
  bench.refused(code, updateBranding, owner, { id: acme, ...change }, { ifMatch: "*" });

const logo = (query: Record<string, string>) =>
  logoRoute(bench.engine).handle({
    method: "GET",
    path: "/branding/logo",
    query,
    form: {},
    body: "",
    authorization: undefined,
    headers: {},
    address: () => "127.0.0.1",
    requestId: "test",
  } satisfies WebRequest);

test("WCAG 2.2 §1.4.11: an accent that can't be told from the page is refused, and the answer says its contrast", async () => {
  for (const color of ["#ffff00", "#ffffff", "#f4f2ec", "#a0a0a0"]) {
    const refused = await refusedChange("not_admissible", { accent_color: color });
    const ratio = contrast(readColor(color) ?? [0, 0, 0], grounds.light);
    assert.match(refused.detail, new RegExp(`${Math.floor(ratio * 100) / 100}:1`));
    assert.equal(refused.errors?.[0]?.path, "accent_color");
  }
  await refusedChange("invalid_argument", { accent_color: "red" });
  await refusedChange("invalid_argument", { accent_color: "#1f5f52;background:url(x)" });
  const branding = await update({ accent_color: "#1f5f52", display_name: "Acme Inc." }, "*");
  assert.equal(branding["accent_color"], "#1f5f52");
  assert.equal((await bench.ok(getBranding, owner, { id: acme })).etag, branding.etag);
});

test("WCAG 2.2: black on white is 21:1, and text on a colour is the one that reads better", () => {
  assert.equal(contrast([0, 0, 0], [255, 255, 255]), 21);
  assert.equal(textOn("#000080"), "#ffffff");
  assert.equal(textOn("#ffcc00"), "#10141a");
});

test("a logo is what its first octets say, within its bound, and is served as an image and nothing else", async () => {
  const svg = Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>");
  for (const wrong of [svg, Buffer.from("GIF89a..."), Buffer.from("<html>"), Buffer.from("RIFF1234WAVE")])
    await refusedChange("invalid_argument", { logo: wrong.toString("base64") });
  await refusedChange("invalid_argument", { logo: Buffer.concat([png, Buffer.alloc(40_000)]).toString("base64") });
  assert.equal((await logo({ tenant: acme })).status, 404);

  const branding = await update({ logo: png.toString("base64") }, "*");
  assert.equal(branding["logo_type"], "image/png");
  const url = new URL(String(branding["logo_url"]));
  const served = await logo(Object.fromEntries(url.searchParams));
  assert.equal(served.status, 200);
  assert.deepEqual(served.body, png);
  assert.equal(served.headers["content-type"], "image/png");
  assert.equal(served.headers["x-content-type-options"], "nosniff");
  assert.match(String(served.headers["content-security-policy"]), /default-src 'none'.*sandbox/);

  const renamed = await update({ display_name: "Acme" }, branding.etag);
  assert.equal(renamed["logo_type"], "image/png", "another change leaves the logo");
  assert.notEqual(renamed["logo_url"], branding["logo_url"], "and its URL says the revision");
  const removed = await update({ logo: null, update_mask: "logo" }, renamed.etag);
  assert.equal(removed["logo_url"], null);
  assert.equal((await logo({ tenant: acme })).status, 404);
  for (const tenant of ["", "x", "00000000-0000-4000-8000-00000000dead", `${acme}'--`])
    assert.equal((await logo({ tenant })).status, 404);
});
