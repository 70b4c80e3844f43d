/**
 * Rich authorization requests (RFC 9396): what `authorization_details` may say. Types are data; what no row allows is refused (§5).
 *
 * Details say what a human has agreed to, for the resource server that reads them. They give no authority of their own: whether the
 * human may is asked of the access model when the token is used.
 */
import { type Fault, fault, isFault, type Result } from "../../core/faults.ts";
import type { ClientMetadata } from "../clients/model.ts";
import { jsonIn } from "../platform/web/json-body.ts";

export type AuthorizationDetail = { readonly type: string } & Readonly<Record<string, unknown>>;

/** Whose details they are: the types a client may ask for are part of its registration (§10). */
export type DetailsClient = { readonly metadata: Pick<ClientMetadata, "authorization_details_types"> };

const textLengthMax = 8_000;
const detailsMax = 20;
const entriesMax = 50;
const entryLengthMax = 500;

/** How a field is checked, and when what is asked for in it lies within what was granted. */
type Field = {
  readonly required: boolean;
  readonly valid: (value: unknown) => boolean;
  readonly says: string;
  readonly within: (asked: unknown, granted: unknown) => boolean;
};

type DetailType = Readonly<Record<string, Field>>;

const isText = (value: unknown): value is string =>
  typeof value === "string" && value !== "" && value.length <= entryLengthMax;
const listOf =
  (valid: (text: string) => boolean) =>
  (value: unknown): boolean =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= entriesMax &&
    value.every((one) => isText(one) && valid(one));

/** `*`, `resource:*` or `resource:action`. */
const isPattern = (text: string): boolean => /^(?:\*|[a-z][a-z0-9_-]*:(?:\*|[a-z][a-z0-9_-]*))$/.test(text);
const covers = (pattern: string, text: string): boolean =>
  pattern === "*" || pattern === text || (pattern.endsWith(":*") && text.startsWith(pattern.slice(0, -1)));

const isUri = (text: string): boolean => !text.includes("#") && URL.canParse(text);
const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter(isText) : []);

/** Absent in the grant is no bound; absent in what is asked for, where the grant has one, would be more. */
const bounded =
  (inside: (asked: unknown, granted: unknown) => boolean) =>
  (asked: unknown, granted: unknown): boolean =>
    granted === undefined || (asked !== undefined && inside(asked, granted));

/** The types there are, by name. */
const types: Readonly<Record<string, DetailType>> = {
  /** Permissions of the access model, at resource servers (`locations`), on one thing (`identifier`, a ref). §2.2 names the fields. */
  countersign_permissions: {
    actions: {
      required: true,
      valid: listOf(isPattern),
      says: "must be a list of permissions, such as `flows:read` or `flows:*`",
      within: (asked, granted) =>
        texts(asked).every((action) => texts(granted).some((pattern) => covers(pattern, action))),
    },
    locations: {
      required: false,
      valid: listOf(isUri),
      says: "must be a list of absolute URIs without fragments",
      within: bounded((asked, granted) => texts(asked).every((uri) => texts(granted).includes(uri))),
    },
    identifier: {
      required: false,
      valid: isText,
      says: "must be a ref, `collection/{uuid}`, or another name of the resource",
      within: bounded((asked, granted) => asked === granted),
    },
  },
};

/** For the server's metadata (§10). */
export const authorizationDetailsTypes: readonly string[] = Object.keys(types);

const refused = (why: string): Fault => fault("invalid_authorization_details", why);

/** Reads the parameter. None where it is absent. */
export const readDetails = (
  text: string | undefined,
  client: DetailsClient,
): Result<readonly AuthorizationDetail[]> => {
  if (text === undefined || text === "") return [];
  if (text.length > textLengthMax)
    return refused(`\`authorization_details\` is longer than ${textLengthMax} characters`);
  const list = jsonIn(text);
  if (!Array.isArray(list) || list.length === 0 || list.length > detailsMax)
    return refused(`\`authorization_details\` must be a JSON array of 1 to ${detailsMax} objects`);
  const details: AuthorizationDetail[] = [];
  for (const one of list as readonly unknown[]) {
    const detail = readDetail(one, client);
    if (isFault(detail)) return detail;
    details.push(detail);
  }
  return details;
};

const fieldsOf = (type: unknown): DetailType | undefined =>
  typeof type === "string" && Object.hasOwn(types, type) ? types[type] : undefined;

const readDetail = (value: unknown, client: DetailsClient): Result<AuthorizationDetail> => {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return refused("each of the `authorization_details` must be an object");
  const { type, ...rest } = value as Readonly<Record<string, unknown>>;
  const fields = fieldsOf(type);
  if (typeof type !== "string" || fields === undefined)
    return refused(`\`type\` must be one of ${authorizationDetailsTypes.join(", ")}`);
  if (!client.metadata.authorization_details_types.includes(type))
    return refused(`the client is not registered for the type \`${type}\``);
  const stray = Object.keys(rest).find((name) => !Object.hasOwn(fields, name));
  if (stray !== undefined) return refused(`the type \`${type}\` has no field \`${stray.slice(0, 100)}\``);
  for (const [name, field] of Object.entries(fields)) {
    const given = rest[name];
    if (given === undefined ? field.required : !field.valid(given)) return refused(`\`${name}\` ${field.says}`);
  }
  return { type, ...rest };
};

/** Whether everything asked for lies within what was granted (§6, §7): each detail within one of the granted ones. */
export const detailsWithin = (asked: readonly object[], granted: readonly object[]): boolean =>
  asked.every((one) => granted.some((other) => detailWithin({ ...one }, { ...other })));

type Members = Readonly<Record<string, unknown>>;

const detailWithin = (asked: Members, granted: Members): boolean => {
  const fields = asked.type === granted.type ? fieldsOf(asked.type) : undefined;
  return (
    fields !== undefined && Object.entries(fields).every(([name, field]) => field.within(asked[name], granted[name]))
  );
};
