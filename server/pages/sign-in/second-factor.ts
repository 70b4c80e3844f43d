/** The second factor: a code from an app, a recovery code, or a passkey. Also for a session that has to become stronger. */
import { faults, isFault } from "../../../core/faults.ts";
import { passkeyRequestOptions } from "../../credentials/passkeys/passkeys.ts";
import { type SecondFactors, secondFactorsOf } from "../../credentials/second-factors.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { tenantFrontIn } from "../../policies/front.ts";
import type { Session } from "../../sessions/model.ts";
import { giveSecondFactor } from "../../sign-in/give-second-factor.ts";
import { html, type Html } from "../html.ts";
import { alternatives, button, checkbox, field, form, link, passkeyForm } from "../kit.ts";
import { seeOther } from "../page.ts";
import { formProblem, inWords, type Problems } from "../problems.ts";
import { given, hrefFrom, onwards, type PageSpec, show, type Visitor } from "../visit.ts";

const path = "/sign-in/second-factor";

export const secondFactorPage: PageSpec = {
  path,
  policy: { public: "the session has only its first factor yet; the page asks for the second" },
  get: async (visitor) =>
    visitor.session === undefined ? seeOther(hrefFrom(visitor, "/sign-in")) : factorPage(visitor, visitor.session),
  post: async (visitor) => {
    const { request, session, needs, words } = visitor;
    if (session === undefined) return seeOther(hrefFrom(visitor, "/sign-in"));
    const kind = given(visitor, "with") === "recovery_code" ? "recovery_code" : "totp";
    const code = (given(visitor, "code") ?? "").trim();
    if (code === "") return factorPage(visitor, session, { code: words("problem.required") });
    const remember = request.form["remember"] === "on";
    const signedIn = await giveSecondFactor(needs.signIn, session, { kind, code, remember, request });
    if (!isFault(signedIn)) return onwards(visitor, signedIn);
    const wrong = words(kind === "totp" ? "second_factor.wrong" : "second_factor.wrong_recovery");
    return factorPage(visitor, session, { code: inWords(words, signedIn, wrong) }, faults[signedIn.fault].status);
  },
};

type Standing = {
  readonly factors: SecondFactors;
  readonly rememberedDays: number;
  readonly passkey: object | undefined;
};

/** In the human's home tenant: what they have, and what it allows. */
const standingOf = ({ needs }: Visitor, { home, user }: Session): Promise<Standing> =>
  needs.platform.database.transaction(home, async (tx) => {
    const factors = await secondFactorsOf(tx, { home, user });
    const front = await tenantFrontIn(tx, home);
    const second = { tx, human: { home, user } };
    const now = needs.platform.clock.now();
    const passkey = factors.passkeys === 0 ? undefined : await passkeyRequestOptions(needs, { now, second });
    return { factors, rememberedDays: front?.policy.remembered_device_days ?? 0, passkey };
  });

export const factorPage = async (
  visitor: Visitor,
  session: Session,
  problems: Problems = {},
  status = 400,
): Promise<WebResponse> => {
  const { words } = visitor;
  const { factors, rememberedDays, passkey } = await standingOf(visitor, session);
  if (factors.totp + factors.passkeys + factors.recoveryCodes === 0)
    return seeOther(hrefFrom(visitor, "/sign-in/enrol"));
  const asked = given(visitor, "with");
  const kind = asked === "recovery_code" || (factors.totp === 0 && passkey === undefined) ? "recovery_code" : "totp";
  const hasCodes = kind === "recovery_code" || factors.totp > 0;
  const mayRemember = session.state === "partial" && rememberedDays > 0;
  return show(visitor, {
    title: words("second_factor.title"),
    lead:
      kind === "recovery_code"
        ? words("second_factor.recovery_lead")
        : factors.totp > 0
          ? words("second_factor.lead")
          : undefined,
    ...(passkey === undefined ? {} : { script: "passkeys" as const }),
    ...(Object.keys(problems).length === 0 ? {} : { status }),
    body: html`
${formProblem(problems)}
${hasCodes && codeForm(visitor, kind, problems["code"], mayRemember ? rememberedDays : 0)}
${
  passkey !== undefined &&
  passkeyForm({
    kind: "get",
    action: hrefFrom(visitor, "/sign-in/passkey"),
    token: visitor.token,
    carried: { ...visitor.carried, second: "yes" },
    options: passkey,
    label: words("second_factor.use_passkey"),
    failed: words("sign_in.passkey_failed"),
    look: hasCodes ? "quiet" : "primary",
  })
}
${alternatives(
  kind === "totp" && factors.recoveryCodes > 0
    ? link(hrefFrom(visitor, path, { with: "recovery_code" }), words("second_factor.use_recovery"))
    : kind === "recovery_code" && factors.totp > 0 && link(hrefFrom(visitor, path), words("second_factor.use_totp")),
  words("second_factor.nothing_left"),
)}`,
  });
};

const codeForm = (
  visitor: Visitor,
  kind: "totp" | "recovery_code",
  error: string | undefined,
  rememberedDays: number,
): Html => {
  const { words, token, carried } = visitor;
  const isTotp = kind === "totp";
  return form({
    action: hrefFrom(visitor, path),
    token,
    carried: { ...carried, with: kind },
    body: html`
${field({
  name: "code",
  label: words(isTotp ? "second_factor.code" : "second_factor.recovery_code"),
  autocomplete: isTotp ? "one-time-code" : "off",
  inputmode: isTotp ? "numeric" : "text",
  maxlength: isTotp ? 10 : 40,
  look: "code",
  autofocus: true,
  error,
})}
${
  rememberedDays > 0 &&
  checkbox({
    name: "remember",
    label: words("second_factor.remember"),
    hint: words("second_factor.remember_days", { count: rememberedDays }),
  })
}
${button(words("page.continue"))}`,
  });
};
