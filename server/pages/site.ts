/** Where the pages are: below the issuer, whose path they begin with. */

export type Site = { readonly issuer: string };

/** The issuer's path, empty where it has none. */
export const prefixOf = ({ issuer }: Site): string => {
  const { pathname } = new URL(issuer);
  return pathname === "/" ? "" : pathname;
};

type Query = Readonly<Record<string, string | undefined>>;

/** A page's URL as links and redirects have it: `/sign-in?request=…`. Parameters that are undefined or empty are left out. */
export const hrefOf = (site: Site, path: string, query: Query = {}): string => {
  const pairs = Object.entries(query).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== "",
  );
  const text = new URLSearchParams(pairs).toString();
  return prefixOf(site) + path + (text === "" ? "" : `?${text}`);
};
