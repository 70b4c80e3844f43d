/** The operations of applications. */
import type { Operation } from "../operations/operation.ts";
import { createApplication } from "./create-application.ts";
import { deleteApplication } from "./delete-application.ts";
import { disableApplication, enableApplication } from "./disable-application.ts";
import { getApplication } from "./get-application.ts";
import { listApplications } from "./list-applications.ts";
import { rotateApplicationSecret } from "./rotate-secret.ts";
import { patchApplication } from "./update-application.ts";

export const applicationOperations: readonly Operation[] = [
  createApplication,
  getApplication,
  listApplications,
  patchApplication,
  rotateApplicationSecret,
  disableApplication,
  enableApplication,
  deleteApplication,
];
