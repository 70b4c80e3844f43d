/** A browser that may leave out the second factor, for as long as the tenant's policy says. */
import type { PrincipalId, TenantId } from "../../core/ids.ts";
import type { SignInPolicy } from "../policies/model.ts";
import type { Tx } from "../platform/database/database.ts";
import { newId } from "../platform/random.ts";
import { readCookie, setCookie } from "../platform/web/cookies.ts";
import { deviceName } from "../sessions/device-name.ts";
import { digestOctets } from "../tokens/digest.ts";
import { newSecret, readSecret } from "../tokens/secret-text.ts";
import type { Visit } from "./needs.ts";
import { findDevice, insertDevice } from "./store.ts";

const cookieName = "__Host-countersign-device";
const daySeconds = 24 * 3600;

type Human = { readonly home: TenantId; readonly user: PrincipalId };
type Policy = Pick<SignInPolicy, "remembered_device_days">;

/** In a transaction of the human's home. A policy that has become stricter since counts from when the device was remembered. */
export const isRememberedDevice = async (
  tx: Tx,
  { home, user }: Human,
  policy: Policy,
  request: Pick<Visit, "headers">,
  now: number,
): Promise<boolean> => {
  const presented = readSecret(readCookie(request.headers, cookieName) ?? "", ["remembered_device"]);
  if (presented === undefined || presented.tenant !== home || presented.principal !== user) return false;
  const since = await findDevice(tx, user, digestOctets(presented.digest), new Date(now));
  return since !== undefined && since.getTime() + policy.remembered_device_days * daySeconds * 1000 > now;
};

/** The cookie; undefined where the policy remembers none. */
export const rememberDevice = async (
  tx: Tx,
  { home, user }: Human,
  policy: Policy,
  request: Pick<Visit, "headers">,
  now: number,
): Promise<string | undefined> => {
  if (policy.remembered_device_days === 0) return undefined;
  const secret = newSecret("remembered_device", home, user);
  const seconds = policy.remembered_device_days * daySeconds;
  await insertDevice(tx, {
    id: newId(),
    user,
    hash: secret.hash,
    displayName: deviceName(request.headers["user-agent"] ?? "") ?? "",
    createTime: new Date(now),
    expireTime: new Date(now + seconds * 1000),
  });
  return setCookie(cookieName, secret.text, { maxAgeSeconds: seconds });
};
