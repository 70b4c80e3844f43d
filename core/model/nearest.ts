/** What somebody who wrote a name that is none may have meant. */

/** Edits beyond which two names have nothing to do with each other. */
const farthest = 3;

/** `; did you mean …?`, or nothing where no name is near. */
export const didYouMean = (name: string, names: Iterable<string>): string => {
  const near = nearest(name, names);
  return near === undefined ? "" : `; did you mean \`${near}\`?`;
};

const nearest = (name: string, names: Iterable<string>): string | undefined => {
  let best: { readonly one: string; readonly far: number } | undefined;
  for (const one of names) {
    const far = distance(name, one);
    // Half of a short name is another name.
    if (far <= Math.min(farthest, Math.ceil(name.length / 2)) && far < (best?.far ?? Infinity)) best = { one, far };
  }
  return best?.one;
};

/** Levenshtein's: how many letters are to be put in, left out or replaced. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
};
