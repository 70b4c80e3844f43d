/** What a mail's link could not do: it is used up, too old, or tried too often. */
import { type Fault, faults } from "../../../core/faults.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { alternatives, link, notice } from "../kit.ts";
import { html } from "../html.ts";
import { inWords } from "../problems.ts";
import { hrefFrom, show, type Visitor } from "../visit.ts";

export const linkProblem = (visitor: Visitor, failure: Fault): WebResponse => {
  const { words } = visitor;
  const isOver = failure.fault === "link_expired" || faults[failure.fault].status < 429;
  return show(visitor, {
    status: faults[failure.fault].status,
    title: words("link.expired_title"),
    ...(isOver ? { lead: words("link.expired") } : {}),
    body: html`${!isOver && notice("error", inWords(words, failure))}${alternatives(
      link(hrefFrom(visitor, "/sign-in"), words("link.sign_in")),
      link(hrefFrom(visitor, "/forgot-password"), words("sign_in.forgot")),
    )}`,
  });
};
