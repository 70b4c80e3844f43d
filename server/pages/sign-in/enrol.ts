/**
 * Enrolling, where the tenant asks for a second factor and there is none, or where an application asks for more than a password: an
 * authenticator app or a passkey, and then the recovery codes, shown once.
 */
import { type Fault, faults, isFault } from "../../../core/faults.ts";
import { newRecoveryCodes, recoveryCodesLeft } from "../../credentials/recovery-codes/recovery-codes.ts";
import type { NewTotp } from "../../credentials/totp/totp.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import type { Session } from "../../sessions/model.ts";
import { beginPasskeyEnrolment, beginTotpEnrolment, enrolPasskey, enrolTotp } from "../../sign-in/enrol.ts";
import type { SignedIn } from "../../sign-in/needs.ts";
import { html, raw } from "../html.ts";
import { button, buttonLink, field, form, passkeyForm } from "../kit.ts";
import { seeOther } from "../page.ts";
import { formProblem, inWords, type Problems } from "../problems.ts";
import { destinationOf, fail, given, hrefFrom, onwards, type PageSpec, show, type Visitor } from "../visit.ts";
import { responseIn } from "./passkey.ts";

const path = "/sign-in/enrol";

export const enrolPage: PageSpec = {
  path,
  policy: { public: "the session has only its first factor yet; the page sets up the second" },
  get: async (visitor) =>
    visitor.session === undefined ? seeOther(hrefFrom(visitor, "/sign-in")) : enrolForm(visitor, visitor.session),
  post: async (visitor) => {
    const { request, session, needs, words } = visitor;
    if (session === undefined) return seeOther(hrefFrom(visitor, "/sign-in"));
    if (request.form["response"] !== undefined) {
      const response = responseIn(request.form["response"]);
      const deviceName = words("enrol.passkey_name");
      const signedIn = await enrolPasskey(needs.signIn, session, { response, deviceName, request });
      if (!isFault(signedIn)) return shownOnce(visitor, signedIn);
      return enrolForm(visitor, session, { form: inWords(words, signedIn, words("enrol.passkey_failed")) });
    }
    const device = given(visitor, "device") ?? "";
    const code = (given(visitor, "code") ?? "").trim();
    const signedIn = await enrolTotp(needs.signIn, session, { device, code, request });
    if (!isFault(signedIn)) return shownOnce(visitor, signedIn);
    const problems = { code: inWords(words, signedIn, words("enrol.wrong")) };
    return enrolForm(visitor, session, problems, faults[signedIn.fault].status);
  },
};

const enrolForm = async (
  visitor: Visitor,
  session: Session,
  problems: Problems = {},
  status = 400,
): Promise<WebResponse> => {
  const { needs, words, token, carried, brand, request } = visitor;
  const asked = { serviceName: brand.name, deviceName: words("enrol.totp_name"), request };
  const totp = await beginTotpEnrolment(needs.signIn, session, { ...asked, device: given(visitor, "device") });
  if (isFault(totp)) return notEnrolling(visitor, session, totp);
  const passkey = await beginPasskeyEnrolment(needs.signIn, session, asked);
  if (isFault(passkey)) return notEnrolling(visitor, session, passkey);
  const action = hrefFrom(visitor, path);
  return show(visitor, {
    title: words("enrol.title"),
    lead: words("enrol.lead", { tenant: brand.name }),
    script: "passkeys",
    ...(Object.keys(problems).length === 0 ? {} : { status }),
    body: html`
${formProblem(problems)}
<ol class="steps">
<li><h2>${words("enrol.step_scan")}</h2>
${qrCode(totp, words("enrol.qr"))}
<details><summary>${words("enrol.manual")}</summary><code>${grouped(totp.secret)}</code></details>
</li>
<li><h2 id="confirm">${words("enrol.step_confirm")}</h2>
${form({
  action,
  token,
  carried: { ...carried, device: totp.id },
  body: html`
${field({
  name: "code",
  label: words("second_factor.code"),
  autocomplete: "one-time-code",
  inputmode: "numeric",
  maxlength: 10,
  look: "code",
  error: problems["code"],
})}
${button(words("page.continue"))}`,
})}
</li>
</ol>
${passkeyForm({
  kind: "create",
  action,
  token,
  carried,
  options: passkey,
  label: words("enrol.passkey"),
  failed: words("enrol.passkey_failed"),
  body: html`<p class="or">${words("page.or")}</p><p class="hint">${words("enrol.passkey_lead")}</p>`,
})}`,
  });
};

/** Whoever has a second factor is asked for that one. */
const notEnrolling = (visitor: Visitor, session: Session, failure: Fault): WebResponse =>
  failure.fault === "illegal_transition" && session.state === "partial"
    ? seeOther(hrefFrom(visitor, "/sign-in/second-factor"))
    : failure.fault === "invalid_credentials"
      ? seeOther(hrefFrom(visitor, "/sign-in"))
      : failure.fault === "unauthenticated"
        ? seeOther(hrefFrom(visitor, "/sign-in", { again: "1" }))
        : fail(visitor, failure);

/** Always dark on white: that is what cameras read. */
export const qrCode = ({ qrSvg }: Pick<NewTotp, "qrSvg">, label: string) =>
  html`<div class="qr" role="img" aria-label="${label}">${raw(qrSvg)}</div>`;

/** In fours, as people copy it. */
export const grouped = (secret: string): string => secret.replaceAll(/(.{4})(?=.)/g, "$1 ");

/** Whoever has codes already keeps them. */
const shownOnce = async (visitor: Visitor, signedIn: SignedIn): Promise<WebResponse> => {
  const { needs, words } = visitor;
  const { home, user } = signedIn.session;
  const codes = await needs.platform.database.transaction(home, async (tx) =>
    (await recoveryCodesLeft(tx, { home, user })) > 0
      ? []
      : newRecoveryCodes(tx, { home, user }, needs.platform.clock.now()),
  );
  if (codes.length === 0 || signedIn.next !== "done") return onwards(visitor, signedIn);
  return show(visitor, {
    title: words("enrol.codes_title"),
    lead: words("enrol.codes_lead"),
    cookies: signedIn.cookies,
    body: html`${codeList(codes)}<div class="actions">${buttonLink(destinationOf(visitor), words("enrol.codes_kept"), "primary")}</div>`,
  });
};

export const codeList = (codes: readonly string[]) =>
  html`<ul class="codes">${codes.map((code) => html`<li>${code}</li>`)}</ul>`;
