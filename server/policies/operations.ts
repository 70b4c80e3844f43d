/** The operations of a tenant's settings for its people: policy, face, domains. */
import type { Operation } from "../operations/operation.ts";
import { getBranding } from "./brandings/get-branding.ts";
import { updateBranding } from "./brandings/update-branding.ts";
import { createDomain } from "./domains/create-domain.ts";
import { deleteDomain } from "./domains/delete-domain.ts";
import { getDomain } from "./domains/get-domain.ts";
import { listDomains } from "./domains/list-domains.ts";
import { verifyDomain } from "./domains/verify-domain.ts";
import { getSignInPolicy } from "./get-sign-in-policy.ts";
import { updateSignInPolicy } from "./update-sign-in-policy.ts";

export const policyOperations: readonly Operation[] = [
  getSignInPolicy,
  updateSignInPolicy,
  getBranding,
  updateBranding,
  createDomain,
  getDomain,
  listDomains,
  verifyDomain,
  deleteDomain,
];
