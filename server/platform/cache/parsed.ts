/**
 * The last texts parsed, beside what they parsed to. The same few callers, applications and questions stand behind most requests, and parsing what
 * the cache has of them costs more than deciding. It is the text just fetched that decides: what has changed is another text, and this is no
 * copy of an answer but of its grammar.
 */

/** A longer text is parsed each time, so that what is kept here is bounded. */
const charactersMax = 4_096;

/** `parse`, with at most twice `max` texts kept, the last ones. What it answers is shared: nobody may change it. */
export const keepParsed = <T extends object>(max: number, parse: (text: string) => T): ((text: string) => T) => {
  let young = new Map<string, T>();
  let old = new Map<string, T>();
  return (text) => {
    const known = young.get(text);
    if (known !== undefined) return known;
    const found = old.get(text) ?? parse(text);
    if (text.length > charactersMax) return found;
    if (young.size >= max) {
      old = young;
      young = new Map();
    }
    young.set(text, found);
    return found;
  };
};
