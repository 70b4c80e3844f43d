/** What has been proven, and what is still asked for. Pure. */
import type { SecondFactors } from "../credentials/second-factors.ts";
import type { SignInPolicy } from "../policies/model.ts";
import type { Acr, Method, Session } from "../sessions/model.ts";
import type { Next } from "./needs.ts";

const singleFactor = "urn:countersign:acr:single-factor" satisfies Acr;
const multiFactor = "urn:countersign:acr:multi-factor" satisfies Acr;

export type Proof = { readonly methods: readonly Method[]; readonly acr: Acr };

export const byPassword: Proof = { methods: ["pwd"], acr: singleFactor };

/** A passkey that verified its user is two factors in itself, and resists phishing; one that did not is a key that was there. */
export const byPasskey = (method: "hwk" | "swk", userVerified: boolean): Proof =>
  userVerified ? { methods: [method, "user", "mfa"], acr: "phr" } : { methods: [method], acr: singleFactor };

/** What a session has proven once this second factor is added to it. */
export const withSecond = ({ methods, acr }: Proof, second: Method | Proof): Proof => {
  const added = typeof second === "string" ? [second] : second.methods;
  const phr = acr === "phr" || (typeof second !== "string" && second.acr === "phr");
  const all = [...methods, ...added].filter((method) => method !== "mfa");
  return { methods: [...new Set<Method>([...all, "mfa"])], acr: phr ? "phr" : multiFactor };
};

const strictness = ["off", "optional", "required"] as const satisfies readonly SignInPolicy["mfa"][];

/** The stricter of what the home asks and what the tenant asks that is signed in to. */
export const stricter = (one: SignInPolicy["mfa"], other: SignInPolicy["mfa"]): SignInPolicy["mfa"] =>
  strictness.indexOf(one) >= strictness.indexOf(other) ? one : other;

/** Recovery codes alone are no second factor: they stand in for one that is there. */
export const hasSecondFactor = ({ totp, passkeys }: Pick<SecondFactors, "totp" | "passkeys">): boolean =>
  totp + passkeys > 0;

export type Asked = {
  readonly mfa: SignInPolicy["mfa"];
  readonly proof: Proof;
  readonly factors: Pick<SecondFactors, "totp" | "passkeys">;
  /** The browser may leave the second factor out. */
  readonly remembered: boolean;
};

export const nextAfter = ({ mfa, proof, factors, remembered }: Asked): Next => {
  if (mfa === "off" || proof.acr !== singleFactor) return "done";
  if (hasSecondFactor(factors)) return remembered ? "done" : "second_factor";
  return mfa === "required" ? "enrol" : "done";
};

export const stateFor = (next: Next): Session["state"] => (next === "done" ? "full" : "partial");
