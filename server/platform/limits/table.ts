/** The limits, by name. */

/**
 * A key is refused once `points` are taken within `seconds`. Where it has a block, it then waits `seconds` of that, doubled at every
 * further block within a day, up to `secondsMax`; else until the time the points are counted in has passed.
 */
export type Limit = {
  readonly points: number;
  readonly seconds: number;
  readonly block?: { readonly seconds: number; readonly secondsMax: number };
};

const minute = 60;
const hour = 3600;

export const limitTable = {
  /** Wrong passwords for one account from one address. */
  "sign-in.account-address": { points: 10, seconds: 15 * minute, block: { seconds: minute, secondsMax: 4 * hour } },
  /** The same from all browsers that were never signed in to this account. */
  "sign-in.account": { points: 50, seconds: hour, block: { seconds: 5 * minute, secondsMax: 4 * hour } },
  /** The same from one browser that has been signed in to this account: strangers cannot use these up. */
  "sign-in.browser": { points: 10, seconds: 15 * minute, block: { seconds: minute, secondsMax: hour } },
  /** Wrong passwords from one address, whosever. */
  "sign-in.address": { points: 100, seconds: 15 * minute, block: { seconds: 5 * minute, secondsMax: 4 * hour } },
  /** Wrong second factors of one account: nobody gets here without the first. */
  "second-factor.account": { points: 5, seconds: 15 * minute, block: { seconds: minute, secondsMax: 4 * hour } },
  /** Passkeys that failed, from one address. */
  "passkey.address": { points: 100, seconds: 15 * minute },
  /** Mail that strangers can cause, to one letter box. */
  "mail.recipient": { points: 5, seconds: hour },
  /** Mail asked for from one address. */
  "mail.address": { points: 30, seconds: hour },
  /** Accounts made from one address. */
  "registration.address": { points: 20, seconds: hour },
  /** Links of mails tried from one address. */
  "link.address": { points: 60, seconds: 15 * minute },
  /** Setup links tried from one address. */
  "setup.address": { points: 20, seconds: hour },
  /** RFC 8628 §5.1: user codes tried by one session. */
  "user-code.session": { points: 10, seconds: 15 * minute, block: { seconds: minute, secondsMax: hour } },
  /** The same from one address. */
  "user-code.address": { points: 50, seconds: 15 * minute, block: { seconds: 5 * minute, secondsMax: hour } },
  /** Failed authentication of one client from one address. */
  "token.client-address": { points: 50, seconds: 5 * minute, block: { seconds: minute, secondsMax: hour } },
  /** Failed client authentication and failed grants from one address, whatever the client. */
  "token.address": { points: 300, seconds: 5 * minute, block: { seconds: minute, secondsMax: hour } },
  /** Authorization requests stored for one address: by strangers who have still to sign in, and by clients that prove nothing. */
  "authorization-request.address": { points: 500, seconds: 5 * minute },
  /** RFC 8628 §3.1: device codes asked for from one address. */
  "device-authorization.address": { points: 200, seconds: 5 * minute },
  /** RFC 7591: clients registered without a token, from one address. */
  "client-registration.address": { points: 20, seconds: hour },
  /** Passwords tried at one share link: how many can be under way before the link itself counts them, and no more. */
  "share-link.link": { points: 50, seconds: 15 * minute },
  /** Passwords that one caller wants hashed: for share links of its own, and for links that there are not. */
  "share-link.caller": { points: 300, seconds: 5 * minute },
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof limitTable;
