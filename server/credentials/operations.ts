/** The operations of API tokens. */
import type { Operation } from "../operations/operation.ts";
import { createApiToken } from "./create-api-token.ts";
import { getApiToken } from "./get-api-token.ts";
import { listApiTokens } from "./list-api-tokens.ts";
import { revokeApiToken } from "./revoke-api-token.ts";
import { rotateApiToken } from "./rotate-api-token.ts";

export const apiTokenOperations: readonly Operation[] = [
  createApiToken,
  getApiToken,
  listApiTokens,
  rotateApiToken,
  revokeApiToken,
];
