/** Rich authorization requests (RFC 9396): what the `authorization_details` of a request may say. */
import type { Result } from "../../core/faults.ts";
import type { ClientMetadata } from "../clients/model.ts";

export type AuthorizationDetail = { readonly type: string } & Readonly<Record<string, unknown>>;

/** Whose details they are: the types a client may ask for are part of its registration (§10). */
export type DetailsClient = { readonly metadata: Pick<ClientMetadata, "authorization_details_types"> };

/** Reads the parameter. None where it is absent. */
export const readDetails = (
  _text: string | undefined,
  _client: DetailsClient,
): Result<readonly AuthorizationDetail[]> => {
  throw new Error("not written yet");
};

/** Whether everything asked for is within what was granted (§6, §7.1). */
export const detailsWithin = (_asked: readonly object[], _granted: readonly object[]): boolean => {
  throw new Error("not written yet");
};
