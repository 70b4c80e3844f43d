/** The device flow's token request (RFC 8628 §3.4): the device polls until the human has decided. */
import type { Result } from "../../../core/faults.ts";
import type { Client } from "../../clients/model.ts";
import type { Platform } from "../../platform/platform.ts";
import type { Form } from "../../platform/web/request.ts";
import type { Proven } from "../dpop/check-proof.ts";

export const deviceCodeGrant = "urn:ietf:params:oauth:grant-type:device_code";

export type Redeeming = { readonly platform: Platform; readonly issuer: string };

export const redeemDeviceCode = async (
  _needs: Redeeming,
  _client: Client,
  _form: Form,
  _proof: Proven | undefined,
  _requestId: string,
): Promise<Result<never>> => {
  throw new Error("not written yet");
};
