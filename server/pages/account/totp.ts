/** Authenticator apps: which there are, one less, one more. */
import { isFault } from "../../../core/faults.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { addTotp, beginOwnTotp, ownTotp, removeOwnTotp } from "../../sign-in/account/change-factors.ts";
import { isRecent } from "../../sign-in/account/visit.ts";
import { html, type Html } from "../html.ts";
import { button, field, list, section } from "../kit.ts";
import { formProblem, inWords, readDisplayName } from "../problems.ts";
import { grouped, qrCode } from "../sign-in/enrol.ts";
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

const path = "/account/totp";

export const totpPage: AccountSpec = {
  path,
  get: async (visit) => apps(visit),
  post: async (visit) => {
    const { words, needs, asking } = visit;
    const what = textOf(visit, "do");
    if (what === "begin") return begin(visit);
    if (what === "remove") {
      const removed = await removeOwnTotp(needs.signIn, asking, textOf(visit, "device") ?? "");
      if (!isFault(removed)) return done(visit, path, "totp_removed");
      if (removed.fault === "unauthenticated") return toConfirm(visit, path);
      const form = inWords(words, removed, words("account.not_done"));
      return apps(visit, { problems: { form }, status: wrongStatus(removed) });
    }
    const added = await addTotp(needs.signIn, asking, {
      device: textOf(visit, "device") ?? "",
      code: textOf(visit, "code") ?? "",
    });
    if (!isFault(added)) return done(visit, path, "totp_added");
    if (added.fault === "unauthenticated") return toConfirm(visit, path);
    return begin(visit, {
      problems: { code: inWords(words, added, words("enrol.wrong")) },
      status: wrongStatus(added),
    });
  },
};

const apps = async (visit: AccountVisit, { problems = {}, status }: Again = {}): Promise<WebResponse> => {
  const { words, needs, session } = visit;
  const own = await ownTotp(needs.signIn, session);
  const all = isFault(own) ? [] : own;
  return showAccount(visit, {
    path,
    title: words("account.totp.title"),
    lead: words("account.totp.lead"),
    ...(status === undefined ? {} : { status }),
    body: html`
${formProblem(problems)}
${
  all.length === 0
    ? html`<p class="hint">${words("account.totp.none")}</p>`
    : list(
        all.map(({ id, displayName, createTime, useTime }) => ({
          title: displayName,
          details: [
            words("account.added", { time: dateIn(visit, createTime) }),
            useTime === null ? words("account.not_used") : words("account.used", { time: dateIn(visit, useTime) }),
          ],
          actions: isRecent(needs.signIn, session) ? removal(visit, id, displayName) : undefined,
        })),
      )
}
${section(
  "add",
  words("account.totp.add_title"),
  whereRecent(visit, path, () =>
    ownForm(visit, path, {
      carried: { do: "begin" },
      body: html`
${field({
  name: "display_name",
  label: words("account.totp.name"),
  value: words("enrol.totp_name"),
  maxlength: 200,
  autofocus: false,
})}
${button(words("account.totp.add"))}`,
    }),
  ),
)}`,
  });
};

const removal = (visit: AccountVisit, id: string, name: string): Html =>
  ownForm(visit, path, {
    carried: { do: "remove", device: id },
    body: button(visit.words("account.remove"), {
      look: "danger",
      label: visit.words("account.remove_which", { name }),
    }),
  });

/** The picture and the key are shown once; a mistyped code shows them again. */
const begin = async (visit: AccountVisit, { problems = {}, status }: Again = {}): Promise<WebResponse> => {
  const { words, needs, asking, brand } = visit;
  const displayName = readDisplayName(textOf(visit, "display_name")) ?? words("enrol.totp_name");
  const begun = await beginOwnTotp(needs.signIn, asking, {
    serviceName: brand.name,
    displayName,
    device: textOf(visit, "device"),
  });
  if (isFault(begun)) {
    if (begun.fault === "unauthenticated") return toConfirm(visit, path);
    return apps(visit, {
      problems: { form: inWords(words, begun, words("account.not_done")) },
      status: wrongStatus(begun),
    });
  }
  return showAccount(visit, {
    path,
    title: words("account.totp.add_title"),
    ...(status === undefined ? {} : { status }),
    body: html`
<ol class="steps">
<li><h2>${words("enrol.step_scan")}</h2>
${qrCode(begun, words("enrol.qr"))}
<details><summary>${words("enrol.manual")}</summary><code>${grouped(begun.secret)}</code></details>
</li>
<li><h2>${words("enrol.step_confirm")}</h2>
${ownForm(visit, path, {
  carried: { device: begun.id, display_name: displayName },
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
${button(words("account.totp.submit"))}`,
})}
</li>
</ol>`,
  });
};
