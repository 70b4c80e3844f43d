/** Whose a credential is: a human, in the home tenant. A transaction that touches one is opened for `home`. */
import type { PrincipalId, TenantId } from "../../core/ids.ts";

export type Human = { readonly home: TenantId; readonly user: PrincipalId };
