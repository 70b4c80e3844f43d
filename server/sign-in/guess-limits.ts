/**
 * How often a password may be guessed. Every guess is counted before it is looked at: for the address it comes from, and for the account.
 * Accounts are counted by the address that was typed in, so that one nobody has is locked like any other.
 *
 * Locking somebody out is no weapon: from a browser that the human was signed in with, only that browser's own guesses count.
 */
import type { Fault } from "../../core/faults.ts";
import type { LimitName } from "../platform/limits/table.ts";
import { addressClass } from "../platform/web/address.ts";
import { knownBrowser } from "./known-browser.ts";
import type { SignIn, Visit } from "./needs.ts";

type Needs = Pick<SignIn, "limits" | "browserKey">;
type Counted = readonly (readonly [LimitName, string])[];

const countedFor = (needs: Needs, email: string, request: Visit): Counted => {
  const account = email.toLowerCase();
  const address = addressClass(request.address());
  const browser = knownBrowser(needs, request, email);
  return [
    ["sign-in.address", address],
    ...(browser === undefined
      ? ([
          ["sign-in.account-address", `${account} ${address}`],
          ["sign-in.account", account],
        ] as const)
      : ([["sign-in.browser", `${account} ${browser}`]] as const)),
  ];
};

export type Guess = {
  /** The guess was right: the account's counts start anew. */
  right(): Promise<void>;
  /** Nobody looked at it: it does not count. */
  unseen(): Promise<void>;
};

/** A guess that may be made, or the fault that says how long to wait. */
export const countGuess = async (needs: Needs, email: string, request: Visit): Promise<Guess | Fault> => {
  const counted = countedFor(needs, email, request);
  for (const [name, key] of counted) {
    const refused = await needs.limits.take(name, key);
    if (refused !== undefined) return refused;
  }
  return {
    right: async () => {
      // What an address may guess at is not renewed by one account that it can open; its right guesses do not count.
      await Promise.all(
        counted.map(([name, key]) =>
          name === "sign-in.address" || name === "sign-in.account"
            ? needs.limits.giveBack(name, key)
            : needs.limits.forgive(name, key),
        ),
      );
    },
    unseen: async () => {
      await Promise.all(counted.map(([name, key]) => needs.limits.giveBack(name, key)));
    },
  };
};

/** The same for second factors, whose guesser knows the first. */
export const countFactorGuess = async (
  needs: Needs,
  account: { readonly home: string; readonly user: string; readonly email: string },
  request: Visit,
): Promise<Guess | Fault> => {
  const browser = knownBrowser(needs, request, account.email);
  const key = `${account.home} ${account.user} ${browser ?? ""}`;
  const refused = await needs.limits.take("second-factor.account", key);
  return (
    refused ?? {
      right: () => needs.limits.forgive("second-factor.account", key),
      unseen: () => needs.limits.giveBack("second-factor.account", key),
    }
  );
};
