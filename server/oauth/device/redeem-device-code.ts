/**
 * The device flow's token request (RFC 8628 §3.4, §3.5): the device polls until the human has decided.
 *
 * Redeeming is one conditional update, so that of many polls at once one gets tokens; every other poll is noted, and answered by the
 * state it found.
 */
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import { hostTenant } from "../../../core/ids.ts";
import type { Client } from "../../clients/model.ts";
import type { Form } from "../../platform/web/request.ts";
import { digestOctets } from "../../tokens/digest.ts";
import { readSecret } from "../../tokens/secret-text.ts";
import type { Proven } from "../dpop/check-proof.ts";
import { badProof } from "../../../core/dpop/proof.ts";
import type { GrantNeeds, TokenAnswer } from "../grants/model.ts";
import { openFamily } from "../grants/open-family.ts";
import { parameter } from "../protocol.ts";
import { intervalSeconds } from "./model.ts";
import { notePoll, type Poll, redeemApproved } from "./store.ts";

export const deviceCodeGrant = "urn:ietf:params:oauth:grant-type:device_code";

const unknown = (): Fault => fault("invalid_grant", "the device code is unknown, used, or another client's");

export const redeemDeviceCode = async (
  needs: GrantNeeds,
  client: Client,
  form: Form,
  proof: Proven | undefined,
  requestId: string,
): Promise<Result<TokenAnswer>> => {
  if (!client.metadata.grant_types.includes(deviceCodeGrant))
    return fault("unauthorized_client", "the client is not registered for the device flow");
  if (client.metadata.dpop_bound_access_tokens && proof === undefined)
    return badProof("there is none; the client is registered to bind its tokens");
  const code = parameter(form, "device_code");
  if (isFault(code)) return code;
  if (code.value === undefined) return fault("invalid_argument", "the parameter `device_code` is missing");
  const presented = readSecret(code.value, ["device_code"]);
  if (presented === undefined || presented.tenant !== client.tenant || presented.principal !== client.id)
    return unknown();

  const key = { deviceHash: digestOctets(presented.digest), clientTenant: client.tenant, application: client.id };
  // Made at its first use, in a transaction of its own, which cannot be opened inside of ours.
  await needs.keys.signer(client.metadata.id_token_signed_response_alg);
  const now = new Date(needs.platform.clock.now());
  return needs.platform.database.transaction(hostTenant, async (tx) => {
    const approved = await redeemApproved(tx, key, proof?.jkt ?? null, now);
    if (approved === undefined) return answerTo(await notePoll(tx, key, intervalSeconds, now));
    return openFamily(needs, tx, {
      client,
      home: approved.home_tenant_id,
      user: approved.user_id,
      session: approved.session_id,
      bound: approved.bound_tenant_id,
      scopes: approved.scopes,
      audience: approved.audience,
      details: approved.authorization_details,
      claims: null,
      nonce: null,
      acr: approved.acr,
      methods: approved.methods,
      authTime: approved.auth_time.getTime(),
      jkt: proof?.jkt ?? null,
      grant: deviceCodeGrant,
      requestId,
    });
  });
};

/** §3.5. */
const answerTo = (poll: Poll | undefined): Fault => {
  if (poll === undefined || poll.state === "redeemed") return unknown();
  if (poll.state === "denied") return fault("access_denied", "the human said no");
  if (poll.expired) return fault("expired_token", "the device code has expired; begin anew");
  // Approved, and not redeemed all the same: the request was bound to a key, and this is another, or none.
  if (poll.state === "approved") return badProof("the device code is bound to another key");
  return poll.early
    ? fault("slow_down", `ask less often: wait ${intervalSeconds} seconds longer than before`)
    : fault("authorization_pending", "the human has not decided yet");
};
