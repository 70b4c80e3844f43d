/** Somebody who is signed in, on their account. */
import { signIn, type Walk } from "./kit.ts";
import { assertAt, person } from "./people.ts";
import type { Tenant } from "../oauth/deployment.ts";

export const onTheirAccount = (walk: Walk, tenant: Tenant) => async (email: string) => {
  const human = await person(walk.deployment, tenant, email);
  const { page, context } = await walk.window();
  await page.goto("/account");
  await signIn(page, email);
  assertAt(page.url(), "/account");
  return { page, context, human };
};

export type OnTheirAccount = Awaited<ReturnType<ReturnType<typeof onTheirAccount>>>;

/** What the page before this one did. */
export const said = ({ page }: Pick<OnTheirAccount, "page">): Promise<string> => page.getByRole("status").innerText();
