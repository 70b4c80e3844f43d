/** The link of a mail proves an address. Opening it proves nothing yet: mail scanners open links, and press no buttons. */
import { isFault } from "../../../core/faults.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { verifyEmail } from "../../sign-in/verify-email.ts";
import { rememberEmail } from "../email-hint.ts";
import { html } from "../html.ts";
import { button, buttonLink, form } from "../kit.ts";
import { seeOther } from "../page.ts";
import { given, hrefFrom, type PageSpec, show, type Visitor } from "../visit.ts";
import { linkProblem } from "./link-problem.ts";

const path = "/verify-email";

export const verifyEmailPage: PageSpec = {
  path,
  policy: { public: "whoever reads the mail proves the address" },
  get: async (visitor) => {
    const { words, token } = visitor;
    if (given(visitor, "done") !== undefined) return donePage(visitor);
    return show(visitor, {
      title: words("verify.title"),
      lead: words("verify.lead"),
      body: form({
        action: hrefFrom(visitor, path),
        token,
        carried: { link: given(visitor, "link") },
        body: button(words("verify.submit")),
      }),
    });
  },
  post: async (visitor) => {
    const { needs, request } = visitor;
    const verified = await verifyEmail(needs.signIn, { link: given(visitor, "link") ?? "", request });
    if (isFault(verified)) return linkProblem(visitor, verified);
    return seeOther(hrefFrom(visitor, path, { done: "yes" }), [rememberEmail(verified.email)]);
  },
};

const donePage = (visitor: Visitor): WebResponse => {
  const { words, session } = visitor;
  const isIn = session?.state === "full";
  return show(visitor, {
    title: words("verify.done_title"),
    lead: words("verify.done"),
    body: html`<div class="actions">${buttonLink(
      hrefFrom(visitor, isIn ? "/account" : "/sign-in"),
      words(isIn ? "page.continue" : "sign_in.title"),
      "primary",
    )}</div>`,
  });
};
