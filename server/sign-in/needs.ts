/** What signing in leans on, and what it is told of the request. */
import type { Model } from "../../core/model/model.ts";
import type { PasskeyNeeds } from "../credentials/passkeys/passkeys.ts";
import type { PasswordHasher } from "../credentials/passwords/hasher.ts";
import type { SecretKey } from "../platform/keys/seal.ts";
import type { Limits } from "../platform/limits/limits.ts";
import type { Platform } from "../platform/platform.ts";
import type { WebRequest } from "../platform/web/request.ts";
import type { SessionInHand } from "../sessions/begin-session.ts";

/** Built once, in the composition root. */
export type SignIn = PasskeyNeeds & {
  readonly platform: Platform;
  readonly model: Model;
  readonly issuer: string;
  readonly hasher: PasswordHasher;
  readonly limits: Limits;
  /** Seals mail, and what credentials must read back. */
  readonly sealKey: SecretKey;
  /** `derivedKey(secretKey, "known browsers")`. */
  readonly browserKey: Buffer;
};

/** Of the request: whence, with which browser. A `WebRequest` is one. */
export type Visit = Pick<WebRequest, "headers" | "address" | "requestId">;

/** What comes after: nothing; the second factor; or, where the tenant asks for one and there is none, enrolling. */
export type Next = "done" | "second_factor" | "enrol";

/** Signed in, or on the way. */
export type SignedIn = SessionInHand & {
  readonly next: Next;
  /** Every `Set-Cookie` value to send, the session's (`cookie`) among them. */
  readonly cookies: readonly string[];
};
