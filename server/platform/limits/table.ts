/** The limits, by name. A key is refused once `points` are taken within `seconds`; it then waits `blockSeconds`, doubled at every further block of the day, up to `blockSecondsMax`. */

export type Limit = {
  readonly points: number;
  readonly seconds: number;
  readonly blockSeconds: number;
  /** Blocks grow up to this; equal to `blockSeconds` where they do not. */
  readonly blockSecondsMax: number;
};

const minute = 60;
const hour = 3600;

const steady = (points: number, seconds: number): Limit => ({
  points,
  seconds,
  blockSeconds: seconds,
  blockSecondsMax: seconds,
});

export const limitTable = {
  /** Wrong first factors of one account from one neighbourhood of addresses. */
  "sign-in.account-address": { points: 10, seconds: 15 * minute, blockSeconds: minute, blockSecondsMax: 4 * hour },
  /** The same from wherever this human has never been seen. */
  "sign-in.account": { points: 50, seconds: hour, blockSeconds: 5 * minute, blockSecondsMax: 4 * hour },
  /** The same from one browser that has been signed in to this account before. */
  "sign-in.browser": { points: 10, seconds: 15 * minute, blockSeconds: minute, blockSecondsMax: hour },
  /** Wrong first factors from one address, whosever. */
  "sign-in.address": { points: 100, seconds: 15 * minute, blockSeconds: 5 * minute, blockSecondsMax: 4 * hour },
  /** Wrong second factors of one account: nobody gets here without the first. */
  "second-factor.account": { points: 5, seconds: 15 * minute, blockSeconds: minute, blockSecondsMax: 4 * hour },
  /** Passkey ceremonies begun or failed from one address. */
  "passkey.address": steady(100, 15 * minute),
  /** Mail to one address of a human, whatever it is about: nobody's letter box is filled by strangers. */
  "mail.recipient": steady(5, hour),
  /** Mail asked for from one address. */
  "mail.address": steady(30, hour),
  /** Accounts made from one address. */
  "registration.address": steady(20, hour),
  /** Links of mails tried from one address. */
  "link.address": steady(60, 15 * minute),
  /** First humans set up from one address. */
  "setup.address": steady(20, hour),
  /** RFC 8628 §5.1: user codes tried by one session. */
  "user-code.session": { points: 10, seconds: 15 * minute, blockSeconds: minute, blockSecondsMax: hour },
  /** The same from one address. */
  "user-code.address": { points: 50, seconds: 15 * minute, blockSeconds: 5 * minute, blockSecondsMax: hour },
  /** Failed client authentication, from one address. */
  "token.client-address": { points: 50, seconds: 5 * minute, blockSeconds: minute, blockSecondsMax: hour },
  /** Failed client authentication and grants from one address, whatever the client. */
  "token.address": { points: 300, seconds: 5 * minute, blockSeconds: minute, blockSecondsMax: hour },
  /** RFC 7591: clients registered without a token, from one address. */
  "client-registration.address": steady(20, hour),
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof limitTable;
