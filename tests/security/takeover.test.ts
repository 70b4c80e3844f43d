// Who had an account for a while and has lost it again keeps no way back: what they set going ends with the sessions.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { startDeployment } from "../oauth/deployment.ts";
import { linkOf, openMailbox } from "../sign-in/mailbox.ts";
import { openBrowser } from "../support/browser.ts";
import { type Human, newHuman, signIn } from "../support/human.ts";

const mailbox = await openMailbox();
const deployment = await startDeployment({ servers: 2, env: { COUNTERSIGN_SMTP_URL: mailbox.url } });
after(async () => {
  await deployment.close();
  await mailbox.close();
});
const acme = await deployment.tenant();

/** In the human's own session, found by a thief: the account is to have the thief's address. */
const askForOther = async (ada: Human): Promise<string> => {
  const evil = `${randomUUID()}@evil.example`;
  const thief = await signIn(deployment, ada);
  await thief.get("/account/profile");
  await thief.submit({ do: "email", email: evil });
  return linkOf(await mailbox.next(evil));
};
const emailOf = async ({ id }: Human): Promise<string> =>
  (await deployment.sql<{ email: string }>("select email from users where id = $1", [id]))[0]?.email ?? "";
/** In a browser of the account's own: in any other the link leads to signing in. */
const open = async (link: string, ada: Human): Promise<number> => {
  const browser = await signIn(deployment, ada, 1);
  const page = await browser.get(link);
  if (page.status === 200) await browser.submit({}, "/account/email");
  return page.status;
};

test("a link that gives the account another address works, where nothing has come between", async () => {
  const ada = await newHuman(acme);
  assert.equal(await open(await askForOther(ada), ada), 200);
  assert.match(await emailOf(ada), /@evil\.example$/);
});

const recovered = "a phrase the thief has not";
const recoveries: Readonly<Record<string, (ada: Human) => Promise<unknown>>> = {
  "a new password by mail": async (ada) => {
    const browser = openBrowser(deployment.issuer);
    await browser.get("/forgot-password");
    await browser.submit({ email: ada.email });
    await browser.get(linkOf(await mailbox.next(ada.email)));
    await browser.submit({ password: recovered });
  },
  "a changed password": async (ada) => {
    const browser = await signIn(deployment, ada);
    await browser.get("/account/password");
    await browser.submit({ current: ada.password, password: recovered });
  },
  "signing out everywhere, by an administrator": (ada) => acme.does(`/v1/users/${ada.id}:signOut`),
};
for (const [what, recover] of Object.entries(recoveries))
  test(`${what} ends the thief's link to another address`, async () => {
    const ada = await newHuman(acme);
    const link = await askForOther(ada);
    await recover(ada);
    const password = what.includes("password") ? recovered : ada.password;
    assert.equal(await open(link, { ...ada, password }), 410);
    assert.equal(await emailOf(ada), ada.email);
  });

test("a link asked for while the human is signed out everywhere is not there afterwards, whichever came first", async () => {
  const ada = await newHuman(acme);
  for (let round = 0; round < 8; round += 1) {
    const thief = await signIn(deployment, ada);
    await thief.get("/account/profile");
    const ending = acme.does(`/v1/users/${ada.id}:signOut`, {}, 1);
    await Promise.all([thief.submit({ do: "email", email: `${randomUUID()}@evil.example` }), ending]);
    const left = await deployment.sql(
      "select id from mail_links where user_id = $1 and purpose = 'change_email' and use_time is null",
      [ada.id],
    );
    assert.equal(left.length, 0);
    await deployment.sql("delete from mail_links where user_id = $1", [ada.id]);
  }
});
