/** What a client may register (RFC 7591 §2 and what extends it), checked, with every default filled in. */
import type { Result } from "../../core/faults.ts";
import type { TenantId } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import type { Application, ClientMetadata } from "./model.ts";

export type MetadataContext = {
  readonly source: Application["source"];
  readonly model: Model;
  readonly tenant: TenantId;
};

/** Faults: `invalid_redirect_uri`, `invalid_client_metadata`. */
export const checkMetadata = (
  _input: Readonly<Record<string, unknown>>,
  _context: MetadataContext,
): Result<ClientMetadata> => {
  throw new Error("not there yet");
};
