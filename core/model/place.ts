/**
 * Reading untyped values out of a document: each reader takes a place, reports what is wrong there, and answers with the nearest usable
 * value so that reading can go on.
 */
import type { Path, Report } from "./document.ts";

/** A value and where it stands. An absent value is undefined. */
export type Place = { readonly value: unknown; readonly path: Path; readonly report: Report };

export const name_length_max = 64;

const namePattern = /^[a-z][a-z0-9_-]*$/;

/** What makes a text usable as a name: the reason it is not, or undefined. */
export const nameFault = (name: string): string | undefined => {
  if (!namePattern.test(name))
    return `\`${name}\` is not a name: lower-case letters, digits, \`_\` and \`-\`, starting with a letter`;
  if (name.length > name_length_max) return `\`${name}\` is longer than ${name_length_max} characters`;
  return undefined;
};

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const membersOf = ({ value, path, report }: Place): readonly (readonly [string, Place])[] => {
  if (value === undefined) return [];
  if (!isMapping(value)) {
    report(path, "must be a mapping");
    return [];
  }
  return Object.entries(value).map(([name, inner]) => [name, { value: inner, path: [...path, name], report }]);
};

/** A mapping whose keys the file's author chooses. Names that are no names are reported. */
export const entriesOf = (place: Place): readonly (readonly [string, Place])[] => {
  const entries = membersOf(place);
  for (const [name, { path, report }] of entries) {
    const wrong = nameFault(name);
    if (wrong !== undefined) report(path, wrong);
  }
  return entries;
};

/** A mapping whose keys are ours. Unknown ones are reported; the answer finds a known one's place, present or not. */
export const fieldsOf = <Name extends string>(place: Place, known: readonly Name[]): ((name: Name) => Place) => {
  const members = new Map(membersOf(place));
  for (const [name, { path, report }] of members) {
    if (!known.some((one) => one === name)) {
      report(path, `unknown field \`${name}\`; the fields here are ${known.map((one) => `\`${one}\``).join(", ")}`);
    }
  }
  // Once the whole is known to be no mapping, its missing fields are no news.
  const report = isMapping(place.value) ? place.report : silent;
  return (name) => members.get(name) ?? { value: undefined, path: [...place.path, name], report };
};

const silent: Report = () => {};

export const isAbsent = (place: Place): boolean => place.value === undefined;

/** Reports an absent value, and reads what is there otherwise. */
export const required = <T>(place: Place, read: (place: Place) => T): T => {
  if (isAbsent(place)) place.report(place.path, "is missing");
  return read(place);
};

export const textOf = ({ value, path, report }: Place, otherwise = ""): string => {
  if (value === undefined) return otherwise;
  if (typeof value === "string") return value;
  report(path, "must be text");
  return otherwise;
};

export const flagOf = ({ value, path, report }: Place, otherwise: boolean): boolean => {
  if (value === undefined) return otherwise;
  if (typeof value === "boolean") return value;
  report(path, "must be `true` or `false`");
  return otherwise;
};

/** A list of texts, each at most once. */
export const textsOf = ({ value, path, report }: Place): readonly string[] => {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    report(path, "must be a list");
    return [];
  }
  const texts = value.map((item, at) => textOf({ value: item ?? null, path: [...path, at], report }));
  texts.forEach((text, at) => {
    if (text !== "" && texts.indexOf(text) < at) report([...path, at], `\`${text}\` is listed twice`);
  });
  return texts.filter((text) => text !== "");
};

/** A list of names. */
export const namesOf = (place: Place): readonly string[] => {
  const names = textsOf(place);
  names.forEach((name, at) => {
    const wrong = nameFault(name);
    if (wrong !== undefined) place.report([...place.path, at], wrong);
  });
  return names;
};

/** Reports an empty list where at least one item is needed. */
export const someOf =
  (read: (place: Place) => readonly string[]) =>
  (place: Place): readonly string[] => {
    const items = read(place);
    if (Array.isArray(place.value) && place.value.length === 0) place.report(place.path, "must name at least one");
    return items;
  };
