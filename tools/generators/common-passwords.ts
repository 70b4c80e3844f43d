// The passwords and words that attackers try first, as fingerprints, from the dictionaries of @zxcvbn-ts (MIT): leaked passwords by how
// often they were used, words and names by how common they are. Refusing them needs no network, and no list of passwords is shipped.
import { dictionary as common } from "@zxcvbn-ts/language-common";
import { dictionary as english } from "@zxcvbn-ts/language-en";
import { packFingerprints } from "../../server/credentials/passwords/fingerprints.ts";

export const path = "server/credentials/passwords/common-passwords.txt";

/** Shorter ones are refused for their length, and as a part of something longer they say little. */
const lengthMin = 5;

/** Everything in the list, as it is looked up: in lower case. */
export const commonPasswords = (): ReadonlySet<string> => {
  const named = { ...common, ...english } as Readonly<Record<string, readonly (string | number)[]>>;
  const lists = ["passwords-common", "commonWords-en", "firstnames-en", "wikipedia-en", "diceware-common"];
  return new Set(
    lists
      .flatMap((name) => named[name] ?? [])
      .map((entry) => String(entry).normalize("NFKC").toLowerCase())
      .filter((entry) => entry.length >= lengthMin),
  );
};

export const generate = async (): Promise<string> => packFingerprints(commonPasswords());
