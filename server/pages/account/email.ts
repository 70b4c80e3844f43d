/** Where the link in the mail to a new address leads. Opening it shows what it does; pressing the button does it, once. */
import { isFault } from "../../../core/faults.ts";
import { changeEmailByLink, readEmailChange } from "../../sign-in/account/change-email.ts";
import { html } from "../html.ts";
import { linkProblem } from "../joining/link-problem.ts";
import { button, buttonLink, form } from "../kit.ts";
import { hrefOf } from "../site.ts";
import { linkOf, type PageSpec, show } from "../visit.ts";

const path = "/account/email";

export const emailPage: PageSpec = {
  path,
  policy: { public: "whoever reads the mail has proven the address, whichever browser they read it in" },
  outlives: true,
  get: async (visitor) => {
    const { needs, words, request, token } = visitor;
    const link = linkOf(visitor);
    const change = await readEmailChange(needs.signIn, { link, request });
    if (isFault(change)) return linkProblem(visitor, change);
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
    const { needs, words, request } = visitor;
    const changed = await changeEmailByLink(needs.signIn, { link: linkOf(visitor), request });
    if (isFault(changed)) return linkProblem(visitor, changed);
    return show(visitor, {
      title: words("account.email.done_title"),
      lead: words("account.email.done", changed),
      body: html`<div class="actions">${buttonLink(hrefOf(needs, "/account"), words("account.email.done_link"), "primary")}</div>`,
    });
  },
};
