/** What a check of `countersign doctor` finds: it is well, with what was seen, or it is not, with what to do. */
export type Outcome = { readonly well: string } | { readonly wrong: string };

export type Check = { readonly name: string; run(): Promise<Outcome> };

export const well = (seen: string): Outcome => ({ well: seen });
export const wrong = (what: string): Outcome => ({ wrong: what });

/** What a check throws is what is wrong. */
export const outcomeOf = async ({ run }: Check): Promise<Outcome> => {
  try {
    return await run();
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error));
  }
};
