/** The human's half of the device flow (RFC 8628 §3.3): finding the request by its user code, and deciding on it. */
import type { Result } from "../../../core/faults.ts";
import type { TenantId } from "../../../core/ids.ts";
import type { Client } from "../../clients/model.ts";
import type { Platform } from "../../platform/platform.ts";
import type { Session } from "../../sessions/model.ts";

/** `userCodeKey` is `derivedKey(secretKey, "user codes")`. */
export type Deciding = { readonly platform: Platform; readonly userCodeKey: Buffer };

/** What the page shows before it asks. */
export type DeviceRequest = {
  /** As it is shown: `XXXX-XXXX`. */
  readonly userCode: string;
  readonly client: {
    readonly id: string;
    readonly name: string;
    readonly host: string | null;
    readonly logoUri: string | null;
    readonly policyUri: string | null;
    readonly tosUri: string | null;
    readonly firstParty: boolean;
    readonly source: Client["source"];
  };
  readonly clientTenant: TenantId;
  /** The tenant it must be bound to; null where the human chooses among theirs. */
  readonly boundTenant: TenantId | null;
  readonly scopes: readonly string[];
  readonly details: readonly object[];
};

/** Who asks, and whence: lookups are counted for both. */
export type DeviceAsker = { readonly session: Session; readonly address: string };

/** `not_found` for a code that is unknown, expired or decided already: the three look alike. */
export const findDeviceRequest = async (
  _needs: Deciding,
  _userCode: string,
  _asker: DeviceAsker,
): Promise<Result<DeviceRequest>> => {
  throw new Error("not written yet");
};

/** Binds the request to the human, the session and the tenant, and remembers the consent. */
export const approveDevice = async (
  _needs: Deciding,
  _userCode: string,
  _asker: DeviceAsker,
  _choice: { readonly tenant: TenantId; readonly requestId: string },
): Promise<Result<"done">> => {
  throw new Error("not written yet");
};

export const denyDevice = async (
  _needs: Deciding,
  _userCode: string,
  _asker: DeviceAsker,
  _choice: { readonly requestId: string },
): Promise<Result<"done">> => {
  throw new Error("not written yet");
};
