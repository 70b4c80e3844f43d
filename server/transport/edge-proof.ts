/** DPoP proofs for requests that were sent to a gateway: made for its URL and not for ours, and otherwise as at our own API (RFC 9449 §7.1). */
import type { Prove } from "../decisions/edge/model.ts";
import { checkProof, type Proving } from "../oauth/dpop/check-proof.ts";

export const proverAtGateways =
  (needs: Proving): Prove =>
  ({ scheme, host, method, path }, proof, { text, tenant }) =>
    checkProof(
      { ...needs, issuer: `${scheme}://${host}` },
      { method, path, headers: { dpop: proof } },
      { accessToken: text, tenant },
    );
