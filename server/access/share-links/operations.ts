/** The operations of share links. */
import type { Operation } from "../../operations/operation.ts";
import { createShareLink } from "./create-share-link.ts";
import { getShareLink } from "./get-share-link.ts";
import { listShareLinks } from "./list-share-links.ts";
import { openShareLink } from "./open-share-link.ts";
import { renewShareLink } from "./renew-share-link.ts";
import { revokeShareLink } from "./revoke-share-link.ts";

export const shareLinkOperations: readonly Operation[] = [
  createShareLink,
  getShareLink,
  listShareLinks,
  renewShareLink,
  revokeShareLink,
  openShareLink,
];
