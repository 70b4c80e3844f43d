/** The `claims` parameter (OIDC Core §5.5): which claims are wanted, where, and how much. */
import { fault, type Result } from "../../../core/faults.ts";
import { type Acr, acrs } from "../../sessions/model.ts";
import type { ClaimsRequest } from "../grants/model.ts";
import { jsonIn } from "../../platform/web/json-body.ts";

const textLengthMax = 4_000;
const claimsMax = 50;
const nameLengthMax = 100;
const valuesMax = 20;

const refused = (why: string) => fault("invalid_argument", `\`claims\` ${why}`);

type Members = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** §5.5.1: null, or what is asked of the claim. Members that are not understood are ignored. */
const isRequestOfOne = (value: unknown): boolean =>
  value === null ||
  (isObject(value) &&
    (value.essential === undefined || typeof value.essential === "boolean") &&
    (value.values === undefined || (Array.isArray(value.values) && value.values.length <= valuesMax)));

/** Null where the parameter is absent. */
export const readClaims = (text: string | undefined): Result<ClaimsRequest | null> => {
  if (text === undefined) return null;
  if (text.length > textLengthMax) return refused(`is longer than ${textLengthMax} characters`);
  const parsed = jsonIn(text);
  if (!isObject(parsed)) return refused("must be a JSON object");
  const read: { id_token?: Members; userinfo?: Members } = {};
  for (const place of ["id_token", "userinfo"] as const) {
    const wanted = parsed[place];
    if (wanted === undefined) continue;
    if (!isObject(wanted) || Object.keys(wanted).length > claimsMax)
      return refused(`must have, in \`${place}\`, an object of at most ${claimsMax} claims`);
    const wrong = Object.entries(wanted).find(([name, one]) => name.length > nameLengthMax || !isRequestOfOne(one));
    if (wrong !== undefined)
      return refused(`asks for \`${wrong[0].slice(0, nameLengthMax)}\` in a way that is not understood`);
    read[place] = wanted;
  }
  return read;
};

const idTokenClaim = (claims: ClaimsRequest | null, name: string): Members | undefined => {
  const wanted = claims?.id_token?.[name];
  return isObject(wanted) ? wanted : undefined;
};

const textsIn = ({ value, values }: Members): readonly string[] =>
  [value, ...(Array.isArray(values) ? (values as readonly unknown[]) : [])].filter((one) => typeof one === "string");

/** §5.5.1.1: the ID token must have one of these `acr`s, or there must be none. Undefined where that was not asked. */
export const essentialAcrs = (claims: ClaimsRequest | null): readonly string[] | undefined => {
  const acr = idTokenClaim(claims, "acr");
  const wanted = acr === undefined ? [] : textsIn(acr);
  return acr?.essential === true && wanted.length > 0 ? wanted : undefined;
};

/** §5.5.1: a `sub` with a value names the one human who may answer. */
export const demandedSubject = (claims: ClaimsRequest | null): string | undefined => {
  const sub = idTokenClaim(claims, "sub");
  return sub === undefined ? undefined : textsIn(sub)[0];
};

export const knownAcrs = (wanted: readonly string[]): readonly Acr[] =>
  wanted.filter((one): one is Acr => (acrs as readonly string[]).includes(one));
