/** Where one is signed in, and signing out there. */
import { isFault } from "../../../core/faults.ts";
import { isUuid } from "../../../core/ids.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { deviceName } from "../../sessions/device-name.ts";
import type { ListedSession } from "../../sessions/operation-model.ts";
import { endOtherSessions, endOwnSession, ownSessions } from "../../sign-in/account/own-sessions.ts";
import { html } from "../html.ts";
import { button, list, section } from "../kit.ts";
import { formProblem, inWords } from "../problems.ts";
import {
  type AccountSpec,
  type AccountVisit,
  type Again,
  done,
  ownForm,
  showAccount,
  textOf,
  timeIn,
  wrongStatus,
} from "./account-page.ts";

const path = "/account/sessions";

export const sessionsPage: AccountSpec = {
  path,
  get: async (visit) => sessions(visit),
  post: async (visit) => {
    const { words, needs, asking, session } = visit;
    const id = textOf(visit, "session");
    if (id === undefined) {
      const ended = await endOtherSessions(needs.signIn, asking);
      if (!isFault(ended)) return done(visit, path, "sessions_ended");
      return sessions(visit, { problems: { form: inWords(words, ended) }, status: wrongStatus(ended) });
    }
    const ended = isUuid(id) && id !== session.id ? await endOwnSession(needs.signIn, asking, id) : undefined;
    if (!isFault(ended)) return done(visit, path, "session_ended");
    const form = inWords(words, ended, words("account.not_done"));
    return sessions(visit, { problems: { form }, status: wrongStatus(ended) });
  },
};

const sessions = async (visit: AccountVisit, { problems = {}, status }: Again = {}): Promise<WebResponse> => {
  const { words, needs, session } = visit;
  const own = await ownSessions(needs.signIn, session);
  const all = isFault(own) ? [] : own;
  // This one first: it is what the others are compared with.
  const ordered = [...all.filter((one) => one.id === session.id), ...all.filter((one) => one.id !== session.id)];
  return showAccount(visit, {
    path,
    title: words("account.sessions.title"),
    lead: words("account.sessions.lead"),
    ...(status === undefined ? {} : { status }),
    body: html`
${formProblem(problems)}
${list(ordered.map((one) => row(visit, one)))}
${section(
  "others",
  words("account.sessions.others_title"),
  ownForm(visit, path, {
    body: html`<p class="hint">${words("account.sessions.others_hint")}</p><div class="actions">${button(words("account.sessions.others"), { look: "danger" })}</div>`,
  }),
)}`,
  });
};

const row = (visit: AccountVisit, one: ListedSession) => {
  const { words, session } = visit;
  const name = deviceName(one.userAgent) ?? words("account.sessions.unknown");
  const isThis = one.id === session.id;
  return {
    title: name,
    badge: isThis ? words("account.sessions.this") : undefined,
    details: [
      words("account.sessions.seen", { time: timeIn(visit, one.seenTime), address: one.address }),
      words("account.sessions.since", { time: timeIn(visit, one.createTime) }),
    ],
    actions: isThis
      ? undefined
      : ownForm(visit, path, {
          carried: { session: one.id },
          body: button(words("account.sessions.end"), {
            look: "quiet",
            label: words("account.sessions.end_which", { name }),
          }),
        }),
  };
};
