/** A device without a browser shows a code; here a human types it, sees who asks, and says yes or no (RFC 8628 §3.3). */
import { faults, isFault } from "../../../core/faults.ts";
import { isUuid, type TenantId } from "../../../core/ids.ts";
import { tenantsOfHuman } from "../../oauth/authorize/tenants.ts";
import {
  approveDevice,
  denyDevice,
  type DeviceRequest,
  findDeviceRequest,
  type Further,
} from "../../oauth/device/decide-device.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { tenantFront } from "../../policies/front.ts";
import type { Session } from "../../sessions/model.ts";
import { html, type Html } from "../html.ts";
import { actions, alternatives, button, facts, field, form, hidden, notice, select } from "../kit.ts";
import { seeOther } from "../page.ts";
import { inWords } from "../problems.ts";
import { fail, given, hrefFrom, type PageSpec, show, type Visitor } from "../visit.ts";
import { whoIs } from "../who-is.ts";
import { withName } from "../sign-in/email.ts";
import { wishes } from "./consent.ts";

const path = "/device";

export const devicePage: PageSpec = {
  path,
  policy: { session: "the human lets a device use their own account" },
  get: async (visitor) => {
    const { session } = visitor;
    const done = given(visitor, "done");
    if (session === undefined) return codePage(visitor);
    if (done === "approved" || done === "denied") return donePage(visitor, done);
    const code = given(visitor, "user_code");
    return code === undefined ? codePage(visitor) : confirmPage(visitor, session, code);
  },
  post: async (visitor) => {
    const { needs, session, request } = visitor;
    const code = given(visitor, "user_code");
    if (session === undefined || code === undefined) return codePage(visitor);
    const asker = { session, address: request.address() };
    const decision = request.form["decision"];
    if (decision === undefined) return seeOther(hrefFrom(visitor, path, { user_code: code }));
    if (decision !== "approve") {
      const denied = await denyDevice(needs, code, asker, { requestId: request.requestId });
      return isFault(denied)
        ? codePage(visitor, denied.fault === "not_found" ? undefined : denied, code)
        : toDone(visitor, "denied");
    }
    const tenant = given(visitor, "for_tenant") ?? "";
    if (!isUuid(tenant)) return confirmPage(visitor, session, code);
    const choice = { tenant: tenant as TenantId, requestId: request.requestId };
    const approved = await approveDevice(needs, code, asker, choice);
    if (approved === "done") return toDone(visitor, "approved");
    if (!isFault(approved)) return seeOther(hrefFrom(visitor, ...furtherOn(approved, code)));
    return approved.fault === "not_found" ? codePage(visitor, approved, code) : fail(visitor, approved);
  },
};

const furtherPages = {
  reauthenticate: "/sign-in",
  second_factor: "/sign-in/second-factor",
  enrol: "/sign-in/enrol",
} as const satisfies Record<Further, string>;

/** The tenant asks for more than this session has; afterwards the code is asked about again. */
const furtherOn = (further: Further, code: string) =>
  [
    furtherPages[further],
    {
      next: `${path}?${new URLSearchParams({ user_code: code }).toString()}`,
      again: further === "reauthenticate" ? "1" : undefined,
    },
  ] as const;

type Done = "approved" | "denied";
const toDone = (visitor: Visitor, done: Done): WebResponse => seeOther(hrefFrom(visitor, path, { done }));

const codePage = (visitor: Visitor, failure?: Parameters<typeof inWords>[1], code?: string): WebResponse => {
  const { words, token } = visitor;
  return show(visitor, {
    title: words("device.title"),
    lead: words("device.lead"),
    ...(failure === undefined ? {} : { status: faults[failure.fault].status }),
    body: form({
      action: hrefFrom(visitor, path),
      token,
      body: html`
${field({
  name: "user_code",
  label: words("device.code"),
  look: "code",
  maxlength: 20,
  autofocus: true,
  value: code,
  error: failure === undefined ? undefined : inWords(words, failure, words("device.wrong")),
})}
${button(words("page.continue"))}`,
    }),
  });
};

const confirmPage = async (visitor: Visitor, session: Session, code: string): Promise<WebResponse> => {
  const { needs, words, token, request } = visitor;
  const found = await findDeviceRequest(needs, code, { session, address: request.address() });
  if (isFault(found)) return codePage(visitor, found, code);
  const [who, tenant] = await Promise.all([whoIs(needs, session), tenantOf(visitor, session, found)]);
  const { client } = found;
  return show(visitor, {
    title: words("device.confirm_title"),
    lead: withName(words("device.confirm_lead", { application: "\u0000" }), client.name),
    body: html`
<span class="bigcode">${found.userCode}</span>
${notice("warning", words("device.confirm_hint"))}
${facts([
  [words("consent.who"), client.name],
  ...(client.host === null || client.host === ""
    ? []
    : ([[words("consent.host"), html`<code>${client.host}</code>`]] as const)),
  ...("name" in tenant ? ([[words("consent.tenant"), tenant.name]] as const) : []),
  [words("consent.account"), who?.email ?? ""],
])}
<h2 class="minor">${words("consent.wants")}</h2>
${wishes(words, found)}
${form({
  action: hrefFrom(visitor, path),
  token,
  carried: { user_code: found.userCode },
  body: html`${tenant.field}
${actions(
  button(words("device.approve"), { name: "decision", value: "approve" }),
  button(words("device.deny"), { name: "decision", value: "deny", look: "quiet" }),
)}`,
})}
${alternatives(words("page.signed_in_as", { email: who?.email ?? "" }))}`,
  });
};

type ForTenant = { readonly field: Html } | { readonly field: Html; readonly name: string };

/** The tenant it will be for: fixed by the request, or one of the human's. */
const tenantOf = async (visitor: Visitor, session: Session, { boundTenant }: DeviceRequest): Promise<ForTenant> => {
  const { needs, words } = visitor;
  const { database } = needs.platform;
  if (boundTenant !== null) {
    const front = await tenantFront(database, boundTenant);
    return { field: hidden("for_tenant", boundTenant), name: front?.displayName ?? "" };
  }
  const options = (await tenantsOfHuman(database, session)).map(({ tenant, displayName }) => ({
    value: tenant,
    label: displayName,
  }));
  if (options.length === 0) return { field: notice("error", words("device.no_tenant")) };
  return { field: select({ name: "for_tenant", label: words("consent.tenant"), options }) };
};

const donePage = (visitor: Visitor, done: Done): WebResponse => {
  const { words } = visitor;
  return show(visitor, {
    title: words(`device.${done}_title`),
    lead: words(`device.${done}`),
    body: html``,
  });
};
