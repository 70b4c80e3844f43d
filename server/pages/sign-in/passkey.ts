/** What the browser's passkey answered, sent by the page's script: as the first factor, or as the second of a session under way. */
import { isFault } from "../../../core/faults.ts";
import { givePasskey, signInWithPasskey } from "../../sign-in/sign-in-with-passkey.ts";
import { forgetEmail } from "../email-hint.ts";
import { seeOther } from "../page.ts";
import { inWords } from "../problems.ts";
import { given, hrefFrom, onwards, type PageSpec } from "../visit.ts";
import { emailPage } from "./email.ts";
import { factorPage } from "./second-factor.ts";
import { jsonIn } from "../../platform/web/json-body.ts";

export const passkeyPage: PageSpec = {
  path: "/sign-in/passkey",
  policy: { public: "people sign in here" },
  get: async (visitor) => (visitor.stale ? emailPage(visitor) : seeOther(hrefFrom(visitor, "/sign-in"))),
  post: async (visitor) => {
    const { request, session, context, needs, words } = visitor;
    const response = responseIn(request.form["response"]);
    const second = given(visitor, "second") === undefined ? undefined : session;
    const signedIn =
      second === undefined
        ? await signInWithPasskey(needs.signIn, { response, context, request, current: session })
        : await givePasskey(needs.signIn, second, { response, remember: false, request });
    if (!isFault(signedIn)) return onwards(visitor, signedIn, [forgetEmail]);
    const form = inWords(words, signedIn, words("sign_in.passkey_failed"));
    return second === undefined ? emailPage(visitor, { form }) : factorPage(visitor, second, { form });
  },
};

const responseLengthMax = 20_000;

/** Null where it is no JSON: the use case refuses it like any other that is wrong. */
export const responseIn = (text: string | readonly string[] | undefined): unknown => {
  if (typeof text !== "string" || text.length > responseLengthMax) return null;
  return jsonIn(text) ?? null;
};
