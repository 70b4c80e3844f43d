/** An invitation is accepted: by somebody new, or by whoever is signed in. */
import { faults, isFault } from "../../../core/faults.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import {
  acceptInvitation,
  acceptInvitationAsNew,
  type InvitationShown,
  readInvitation,
} from "../../sign-in/accept-invitation.ts";
import { html, type Html } from "../html.ts";
import { actions, alternatives, button, buttonLink, field, form, link } from "../kit.ts";
import { seeOther } from "../page.ts";
import { formProblem, inWords, type Problems, problemsOf, readDisplayName } from "../problems.ts";
import {
  atDoorOf,
  destinationOf,
  given,
  hrefFrom,
  linkOf,
  onwards,
  type PageSpec,
  show,
  type Visitor,
} from "../visit.ts";
import { whoIs } from "../who-is.ts";
import { linkProblem } from "./link-problem.ts";
import { lengthMinOf, newPasswordField } from "./new-password.ts";

const path = "/invitation";

export const invitationPage: PageSpec = {
  path,
  policy: { public: "whoever reads the mail is the one invited" },
  outlives: true,
  get: async (visitor) => {
    const shown = await shownOf(visitor);
    return isFault(shown) ? linkProblem(visitor, shown) : invitationForm(await atDoorOf(visitor, shown.tenant), shown);
  },
  post: async (arrived) => {
    const shown = await shownOf(arrived);
    if (isFault(shown)) return linkProblem(arrived, shown);
    const visitor = await atDoorOf(arrived, shown.tenant);
    return visitor.session?.state === "full" ? acceptAs(visitor, shown) : acceptAsNew(visitor, shown);
  },
};

const shownOf = (visitor: Visitor) =>
  readInvitation(visitor.needs.signIn, { link: linkOf(visitor), request: visitor.request });

const acceptAs = async (visitor: Visitor, shown: InvitationShown): Promise<WebResponse> => {
  const { needs, session, request, words } = visitor;
  if (session === undefined) return invitationForm(visitor, shown);
  const accepted = await acceptInvitation(needs.signIn, session, { link: linkOf(visitor), request });
  if (!isFault(accepted)) return seeOther(destinationOf(visitor));
  if (accepted.fault === "link_expired") return linkProblem(visitor, accepted);
  return invitationForm(visitor, shown, { form: inWords(words, accepted) }, faults[accepted.fault].status);
};

const acceptAsNew = async (visitor: Visitor, shown: InvitationShown): Promise<WebResponse> => {
  const { needs, request, words, locale, front, session } = visitor;
  const displayName = readDisplayName(given(visitor, "display_name"));
  const password = request.form["password"];
  if (displayName === undefined || typeof password !== "string" || password === "")
    return invitationForm(visitor, shown, {
      ...(displayName === undefined ? { display_name: words("problem.display_name") } : {}),
      ...(typeof password !== "string" || password === "" ? { password: words("problem.required") } : {}),
    });
  const asked = { link: linkOf(visitor), displayName, password, locale, request, current: session };
  const signedIn = await acceptInvitationAsNew(needs.signIn, asked);
  if (!isFault(signedIn)) return onwards(visitor, signedIn);
  if (signedIn.fault === "link_expired") return linkProblem(visitor, signedIn);
  const known = signedIn.fault === "already_exists" ? words("invitation.known") : undefined;
  const problems = problemsOf(words, signedIn, { count: lengthMinOf(front?.policy) }, known);
  return invitationForm(visitor, shown, problems, faults[signedIn.fault].status);
};

const invitationForm = async (
  visitor: Visitor,
  shown: InvitationShown,
  problems: Problems = {},
  status = 400,
): Promise<WebResponse> => {
  const { words, session } = visitor;
  const values = { inviter: shown.inviter, tenant: shown.tenantName };
  const email = session?.state === "full" ? (await whoIs(visitor.needs, session))?.email : undefined;
  return show(visitor, {
    title: words("invitation.title"),
    lead: shown.inviter === "" ? words("invitation.lead_plain", values) : words("invitation.lead", values),
    ...(Object.keys(problems).length === 0 ? {} : { status }),
    body: html`
${formProblem(problems)}
${email === undefined ? asNew(visitor, shown, problems) : asKnown(visitor, shown, email)}`,
  });
};

const asKnown = (visitor: Visitor, { tenantName }: InvitationShown, email: string): Html => {
  const { words, token } = visitor;
  return form({
    action: hrefFrom(visitor, path),
    token,
    carried: { link: linkOf(visitor) },
    body: html`
<p>${words("invitation.accept_as", { email, tenant: tenantName })}</p>
${actions(button(words("invitation.accept")))}
${alternatives(html`${words("page.not_you")} ${link(hrefFrom(visitor, "/sign-out"), words("page.sign_out"))}`)}`,
  });
};

const asNew = (visitor: Visitor, shown: InvitationShown, problems: Problems): Html => {
  const { words, token, front } = visitor;
  const signIn = hrefFrom(visitor, "/sign-in", {
    next: `${path}?${new URLSearchParams({ link: linkOf(visitor) }).toString()}`,
  });
  if (shown.hasAccount)
    return html`<p class="who"><span>${shown.email}</span></p>
<p>${words("invitation.known")}</p>
${actions(buttonLink(signIn, words("invitation.sign_in"), "primary"))}`;
  return html`
${form({
  action: hrefFrom(visitor, path),
  token,
  carried: { link: linkOf(visitor) },
  body: html`
<p class="who"><span>${shown.email}</span></p>
<input type="email" value="${shown.email}" autocomplete="username" hidden>
${field({
  name: "display_name",
  label: words("register.display_name"),
  autocomplete: "name",
  maxlength: 200,
  value: given(visitor, "display_name") ?? shown.displayName ?? undefined,
  error: problems["display_name"],
})}
${newPasswordField(words, words("register.password"), front?.policy, problems["password"])}
${button(words("invitation.accept"))}`,
})}
${alternatives(html`${words("register.have_account")} ${link(signIn, words("invitation.sign_in"))}`)}`;
};
