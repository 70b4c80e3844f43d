/** Signing out of this browser. A link alone signs nobody out: the page asks. */
import { signOut } from "../../sign-in/sign-out.ts";
import { forgetEmail } from "../email-hint.ts";
import { html } from "../html.ts";
import { actions, button, buttonLink, form } from "../kit.ts";
import { seeOther } from "../page.ts";
import { destinationOf, hrefFrom, type PageSpec, show } from "../visit.ts";
import { whoIs } from "../who-is.ts";

const path = "/sign-out";

export const signOutPage: PageSpec = {
  path,
  policy: { public: "who is not signed in any more is told so" },
  get: async (visitor) => {
    const { needs, session, words, token, carried } = visitor;
    if (session === undefined) return seeOther(hrefFrom(visitor, "/signed-out"));
    const who = await whoIs(needs, session);
    return show(visitor, {
      title: words("sign_out.title"),
      lead: words("sign_out.lead", { email: who?.email ?? "" }),
      body: form({
        action: hrefFrom(visitor, path),
        token,
        carried,
        body: actions(button(words("sign_out.submit")), buttonLink(destinationOf(visitor), words("sign_out.stay"))),
      }),
    });
  },
  post: async (visitor) => {
    const { needs, session, request } = visitor;
    if (session === undefined) return seeOther(hrefFrom(visitor, "/signed-out"));
    const { cookies } = await signOut(needs.signIn, session, request);
    return seeOther(hrefFrom(visitor, "/signed-out"), [...cookies, forgetEmail]);
  },
};

export const signedOutPage: PageSpec = {
  path: "/signed-out",
  policy: { public: "there is no session any more" },
  get: async (visitor) => {
    const { words } = visitor;
    return show(visitor, {
      title: words("signed_out.title"),
      lead: words("signed_out.lead"),
      body: html`<div class="actions">${buttonLink(hrefFrom(visitor, "/sign-in"), words("signed_out.again"))}</div>`,
    });
  },
};
