// Names as people have them: long, without a space, and from right to left. They fit the smallest of phones, and leave the sentence around
// them as it is.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { onTheirAccount } from "./account-kit.ts";
import { heading, openWalk, signIn } from "./kit.ts";
import { person } from "./people.ts";

const walk = await openWalk();
const { deployment } = walk;
const company = "Gesellschaft-für-Präzisionsinstrumente-und-Feinmechanik-mit-beschränkter-Haftung-und-Compagnie-KG";
const acme = await deployment.tenant(company);
const local = "a.very.long.local.part.that.nobody.would.choose.but.some.do";
const domain = "subdomain.of.a.rather.long.domain.example";
const phone = { width: 320, height: 700 } as const;

/** WCAG 2.2 §1.4.10, §2.5.8: nothing is scrolled sideways to at 320 pixels, and what is pressed is 24 high at least. */
const fits = async (page: Page, what: string): Promise<void> => {
  await page.setViewportSize(phone);
  const wrong = await page.evaluate<string[]>(`(() => {
    const width = document.documentElement.clientWidth;
    const wrong = document.documentElement.scrollWidth > width ? ["the page is wider than the window"] : [];
    for (const one of document.querySelectorAll("main *, header *, nav *, footer *")) {
      const { left, right, height } = one.getBoundingClientRect();
      if (height > 0 && (right > width + 1 || left < -1)) wrong.push(one.tagName + " is beyond the edge");
      if (height > 0 && height < 23.9 && one.matches("a, button, summary, select, input")) wrong.push(one.textContent + " is " + height + " high");
    }
    return wrong;
  })()`);
  assert.deepEqual(wrong, [], what);
};

test("on the smallest of phones every page of the account has room for long names, and targets that are hit", async () => {
  const { page } = await onTheirAccount(walk, acme)(`${local}@${domain}`);
  const paths = await page.evaluate<string[]>(
    "[...document.querySelectorAll('nav a')].map((one) => one.getAttribute('href'))",
  );
  assert.ok(paths.length > 10);
  for (const path of paths) {
    await page.goto(path);
    await fits(page, path);
  }
});

test("UAX #9: an application's name from right to left, or one that turns the text around, leaves the page readable", async () => {
  const reader = await person(deployment, acme, `${local}.reader@${domain}`, "نورة بنت عبد الله");
  const app = await walk.application({ display_name: "تطبيق \u202Egnp.exe", first_party: false }, acme);
  const { page } = await walk.window();
  await page.goto(walk.authorizeUrl(app, { scope: "openid profile accounts:read" }));
  await fits(page, "sign-in");
  await signIn(page, reader.email);
  await page.waitForURL(/\/consent/);
  await fits(page, "consent");
  assert.doesNotMatch(await page.content(), /[\u202A-\u202E]/u);
  // Where the sentence's last words are drawn: to the right of their first letter, as English is.
  const order = await page.evaluate<boolean>(`(() => {
    const sentence = [...document.querySelector(".lead").childNodes].at(-1);
    const range = document.createRange();
    const at = (from) => (range.setStart(sentence, from), range.setEnd(sentence, from + 1), range.getBoundingClientRect());
    const word = sentence.textContent.indexOf("account");
    return at(word).left < at(word + 3).left;
  })()`);
  assert.ok(order, "the sentence after the name reads from left to right");
});

test("a sign-in that is asked for again says to what, in one sentence", async () => {
  const ada = await person(deployment, acme, "again@acme.example");
  const app = await walk.application({ display_name: "Ledger" });
  const { page } = await walk.window();
  await page.goto(walk.authorizeUrl(app));
  await signIn(page, ada.email);
  await page.goto(walk.authorizeUrl(app, { prompt: "login" }));
  assert.equal(await heading(page), "Sign in");
  assert.equal(await page.locator(".lead").innerText(), "To continue to Ledger, please confirm that it is you.");
});
