/**
 * Where the link in the mail to a new address leads, in the browser of whoever asked for it: others sign in first. Opening it shows what it
 * does; pressing the button does it, once.
 */
import { type Fault, isFault } from "../../../core/faults.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { changeEmailByLink, readEmailChange } from "../../sign-in/account/change-email.ts";
import { linkExpired } from "../../sign-in/links.ts";
import { html } from "../html.ts";
import { linkProblem } from "../joining/link-problem.ts";
import { alternatives, button, buttonLink, form, link as linkTo } from "../kit.ts";
import { hrefOf } from "../site.ts";
import { hrefFrom, linkOf, type PageSpec, show, type Visitor } from "../visit.ts";

const path = "/account/email";

export const emailPage: PageSpec = {
  path,
  policy: { session: "the address is for the account that asked, and for nobody who is sent the link" },
  outlives: true,
  get: async (visitor) => {
    const { needs, words, request, session, token } = visitor;
    const link = linkOf(visitor);
    if (session === undefined) return linkProblem(visitor, linkExpired());
    const change = await readEmailChange(needs.signIn, { link, session, request });
    if (isFault(change)) return problem(visitor, change);
    return show(visitor, {
      title: words("account.email.title"),
      lead: words("account.email.lead", change),
      body: form({
        action: hrefOf(needs, path),
        token,
        carried: { link },
        body: button(words("account.email.submit")),
      }),
    });
  },
  post: async (visitor) => {
    const { needs, words, request, session } = visitor;
    if (session === undefined) return linkProblem(visitor, linkExpired());
    const changed = await changeEmailByLink(needs.signIn, { link: linkOf(visitor), session, request });
    if (isFault(changed)) return problem(visitor, changed);
    return show(visitor, {
      title: words("account.email.done_title"),
      lead: words("account.email.done", changed),
      body: html`<div class="actions">${buttonLink(hrefOf(needs, "/account"), words("account.email.done_link"), "primary")}</div>`,
    });
  },
};

/** Signed in, but as somebody else: perhaps with a second account of one's own, perhaps with a link somebody would like one to press. */
const problem = (visitor: Visitor, failure: Fault): WebResponse => {
  const { words } = visitor;
  if (failure.fault !== "permission_denied") return linkProblem(visitor, failure);
  return show(visitor, {
    status: 403,
    title: words("account.email.other_title"),
    lead: words("account.email.other"),
    body: alternatives(
      linkTo(hrefFrom(visitor, "/sign-in", { again: "1", next: backOf(visitor) }), words("sign_in.change_account")),
      linkTo(hrefOf(visitor.needs, "/account"), words("account.email.done_link")),
    ),
  });
};

const backOf = (visitor: Visitor): string => `${path}?${new URLSearchParams({ link: linkOf(visitor) }).toString()}`;
