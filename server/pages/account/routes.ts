/** The account's pages. */
import type { PageRoute } from "../page-route.ts";
import { pageRoutesOf } from "../visit.ts";
import { type AccountNeeds, accountPage, type AccountSpec } from "./account-page.ts";
import { apiTokensPage } from "./api-tokens.ts";
import { applicationsPage } from "./applications.ts";
import { deletePage } from "./delete.ts";
import { emailPage } from "./email.ts";
import { exportPage } from "./export.ts";
import { logoRoute } from "./logo.ts";
import { overviewPage } from "./overview.ts";
import { passkeysPage } from "./passkeys.ts";
import { passwordPage } from "./password.ts";
import { profilePage } from "./profile.ts";
import { recoveryCodesPage } from "./recovery-codes.ts";
import { securityLogPage } from "./security-log.ts";
import { sessionsPage } from "./sessions.ts";
import { tenantsPage } from "./tenants.ts";
import { totpPage } from "./totp.ts";

const pages: readonly AccountSpec[] = [
  overviewPage,
  profilePage,
  passwordPage,
  passkeysPage,
  totpPage,
  recoveryCodesPage,
  sessionsPage,
  applicationsPage,
  tenantsPage,
  apiTokensPage,
  securityLogPage,
  exportPage,
  deletePage,
];

export const accountRoutes = (needs: AccountNeeds): readonly PageRoute[] => [
  ...pages.flatMap((page) => pageRoutesOf(needs, accountPage(needs, page))),
  ...pageRoutesOf(needs, emailPage),
  logoRoute(needs),
];
