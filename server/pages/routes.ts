/** Every page there is, apart from the account's own (account/). */
import { assetRoutes } from "./assets.ts";
import { errorPage } from "./error-page.ts";
import { forgotPasswordPage } from "./joining/forgot-password.ts";
import { invitationPage } from "./joining/invitation.ts";
import { registerPage } from "./joining/register.ts";
import { resetPasswordPage } from "./joining/reset-password.ts";
import { setupPage } from "./joining/setup.ts";
import { verifyEmailPage } from "./joining/verify-email.ts";
import { seeOther } from "./page.ts";
import type { PageRoute } from "./page-route.ts";
import { consentPage } from "./request/consent.ts";
import { devicePage } from "./request/device.ts";
import { tenantsPage } from "./request/tenants.ts";
import { signInPage } from "./sign-in/email.ts";
import { enrolPage } from "./sign-in/enrol.ts";
import { passkeyPage } from "./sign-in/passkey.ts";
import { passwordPage } from "./sign-in/password.ts";
import { secondFactorPage } from "./sign-in/second-factor.ts";
import { signedOutPage, signOutPage } from "./sign-in/sign-out.ts";
import { destinationOf, type PageNeeds, pageRoutesOf, type PageSpec } from "./visit.ts";

/** Who opens the deployment's own address is a human, and wants to their account. */
const frontDoor: PageSpec = {
  path: "/",
  policy: { public: "leads to the account, or to the sign-in page" },
  get: async (visitor) => seeOther(destinationOf(visitor)),
};

const pages: readonly PageSpec[] = [
  frontDoor,
  signInPage,
  passwordPage,
  secondFactorPage,
  passkeyPage,
  enrolPage,
  signOutPage,
  signedOutPage,
  registerPage,
  verifyEmailPage,
  forgotPasswordPage,
  resetPasswordPage,
  invitationPage,
  setupPage,
  tenantsPage,
  consentPage,
  devicePage,
];

export const pageRoutes = (needs: PageNeeds): readonly PageRoute[] => [
  ...pages.flatMap((page) => pageRoutesOf(needs, page)),
  ...assetRoutes((failure, requestId) => errorPage(needs, failure, requestId)),
];
