/** What the authorization endpoint is handed. */
import type { Fault } from "../../../core/faults.ts";
import type { Model } from "../../../core/model/model.ts";
import type { ClientNeeds } from "../../clients/authenticate.ts";
import type { Limits } from "../../platform/limits/limits.ts";
import type { WebRequest, WebResponse } from "../../platform/web/request.ts";
import type { SigningKeys } from "../../tokens/signing-keys.ts";
import type { GrantStatements } from "../grants/store.ts";

/** Enough to read a request and what has come of it so far: what the pages need too. */
export type RequestNeeds = ClientNeeds & { readonly model: Model; readonly keys: SigningKeys };

export type Authorizing = RequestNeeds & {
  readonly limits: Limits;
  readonly statements: GrantStatements;
  /** Shows a human what went wrong, where there is no client to tell. */
  readonly renderError: (failure: Fault, request: WebRequest) => WebResponse;
};
