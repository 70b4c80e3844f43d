/** Passkeys: which there are, a new name for one, one less, one more. */
import { isFault } from "../../../core/faults.ts";
import type { Passkey } from "../../credentials/passkeys/passkeys.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import {
  addPasskey,
  beginPasskey,
  nameOwnPasskey,
  ownPasskeys,
  removeOwnPasskey,
} from "../../sign-in/account/change-factors.ts";
import { isRecent } from "../../sign-in/account/visit.ts";
import { html, type Html } from "../html.ts";
import { button, field, list, passkeyForm, section } from "../kit.ts";
import { formProblem, inWords, readDisplayName } from "../problems.ts";
import { responseIn } from "../sign-in/passkey.ts";
import { hrefOf } from "../site.ts";
import {
  type AccountSpec,
  type AccountVisit,
  type Again,
  dateIn,
  done,
  ownForm,
  showAccount,
  textOf,
  toConfirm,
  whereRecent,
  wrongStatus,
} from "./account-page.ts";

const path = "/account/passkeys";

export const passkeysPage: AccountSpec = {
  path,
  get: async (visit) => passkeys(visit),
  post: async (visit) => {
    const { words, needs, asking, request } = visit;
    const displayName = readDisplayName(textOf(visit, "display_name"));
    const id = textOf(visit, "passkey") ?? "";
    const what = textOf(visit, "do");
    if (what !== "remove" && displayName === undefined)
      return passkeys(visit, { problems: { form: words("problem.display_name") }, status: 400 });
    const changed =
      what === "remove"
        ? await removeOwnPasskey(needs.signIn, asking, id)
        : what === "rename"
          ? await nameOwnPasskey(needs.signIn, asking, { id, displayName: displayName ?? "" })
          : await addPasskey(needs.signIn, asking, {
              response: responseIn(request.form["response"]),
              displayName: displayName ?? "",
            });
    if (isFault(changed)) {
      if (changed.fault === "unauthenticated") return toConfirm(visit, path);
      const form = inWords(
        words,
        changed,
        what === undefined ? words("enrol.passkey_failed") : words("account.not_done"),
      );
      return passkeys(visit, { problems: { form }, status: wrongStatus(changed) });
    }
    const said = what === "remove" ? "passkey_removed" : what === "rename" ? "passkey_named" : "passkey_added";
    return done(visit, path, said);
  },
};

const passkeys = async (visit: AccountVisit, { problems = {}, status }: Again = {}): Promise<WebResponse> => {
  const { words, needs, session } = visit;
  const own = await ownPasskeys(needs.signIn, session);
  const all = isFault(own) ? [] : own;
  return showAccount(visit, {
    path,
    title: words("account.passkeys.title"),
    lead: words("account.passkeys.lead"),
    script: "passkeys",
    ...(status === undefined ? {} : { status }),
    body: html`
${formProblem(problems)}
${all.length === 0 ? html`<p class="hint">${words("account.passkeys.none")}</p>` : list(all.map((one) => row(visit, one)))}
${section("add", words("account.passkeys.add_title"), await adding(visit))}`,
  });
};

const row = (visit: AccountVisit, { id, displayName, createTime, useTime, backedUp }: Passkey) => {
  const { words } = visit;
  return {
    title: displayName,
    badge: words(backedUp ? "account.passkeys.synced" : "account.passkeys.one_device"),
    details: [
      words("account.added", { time: dateIn(visit, createTime) }),
      useTime === null ? words("account.not_used") : words("account.used", { time: dateIn(visit, useTime) }),
      html`<details><summary aria-label="${words("account.passkeys.rename_which", { name: displayName })}">${words("account.passkeys.rename")}</summary>
${ownForm(visit, path, {
  carried: { do: "rename", passkey: id },
  class: "inline",
  body: html`${field({
    name: "display_name",
    id: `name-${id}`,
    label: words("account.passkeys.new_name"),
    value: displayName,
    maxlength: 200,
    autofocus: false,
  })}${button(words("account.save"), { look: "quiet" })}`,
})}</details>`,
    ],
    actions: isRecent(visit.needs.signIn, visit.session) ? removal(visit, id, displayName) : undefined,
  };
};

const removal = (visit: AccountVisit, id: string, name: string): Html =>
  ownForm(visit, path, {
    carried: { do: "remove", passkey: id },
    body: button(visit.words("account.remove"), {
      look: "danger",
      label: visit.words("account.remove_which", { name }),
    }),
  });

const adding = async (visit: AccountVisit): Promise<Html> => {
  const { words, needs, session, brand, token } = visit;
  const options = await beginPasskey(needs.signIn, session, brand.name);
  if (isFault(options)) return html`<p class="hint">${inWords(words, options)}</p>`;
  return whereRecent(
    visit,
    path,
    () => html`
${passkeyForm({
  kind: "create",
  action: hrefOf(needs, path),
  token,
  options,
  label: words("account.passkeys.add"),
  failed: words("enrol.passkey_failed"),
  look: "primary",
  body: field({
    name: "display_name",
    label: words("account.passkeys.add_name"),
    hint: words("account.passkeys.add_hint"),
    value: words("enrol.passkey_name"),
    maxlength: 200,
    autofocus: false,
  }),
})}
<noscript><p class="hint">${words("account.passkeys.needs_script")}</p></noscript>`,
  );
};
