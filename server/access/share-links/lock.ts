/** What a link is opened with: its text, and the password where it has one. Both are made before anything else is asked. */
import { isFault, type Result } from "../../../core/faults.ts";
import type { PrincipalId, ShareLinkId, TenantId } from "../../../core/ids.ts";
import type { BeforeContext } from "../../operations/operation.ts";
import { type NewSecret, newSecret } from "../../tokens/secret-text.ts";

/** The text's middle part is the link's own id: who opens it is nobody's principal. */
export const newLinkText = (tenant: TenantId, link: ShareLinkId): NewSecret =>
  newSecret("share_link", tenant, link as string as PrincipalId);

/** What is stored of the password given; undefined where none is. Counted, so that nobody keeps the hashers busy. */
export const hashGiven = async (
  password: string | undefined,
  { caller, hashing, limits }: BeforeContext,
): Promise<Result<{ readonly passwordHash: string | undefined }>> => {
  if (password === undefined) return { passwordHash: undefined };
  const refused = await limits.take("share-link.caller", caller.principal.id);
  if (refused !== undefined) return refused;
  const passwordHash = await hashing.hash(password);
  return isFault(passwordHash) ? passwordHash : { passwordHash };
};
