/** Changes and whom they concern, as lines for a terminal. */
import type { Change } from "./change.ts";
import type { Impact, TenantImpact, UseOf } from "./impact.ts";

const nouns: Readonly<Record<UseOf, readonly [string, string]>> = {
  principals: ["principal", "principals"],
  roles: ["role of its own", "roles of its own"],
  invitations: ["invitation", "invitations"],
  policies: ["sign-in policy", "sign-in policies"],
  share_links: ["share link", "share links"],
  credentials: ["client or token", "clients and tokens"],
  nodes: ["node", "nodes"],
};

/** Tenants named one by one; what is beyond is counted. */
export const tenantsNamedMax = 10;

/** `widens   roles.member.permissions gains …`, and below it a line for each tenant it concerns. */
export const impactLines = (changes: readonly Change[], impacts: readonly Impact[]): readonly string[] =>
  changes.flatMap((change) => {
    const impact = impacts.find((one) => one.change === change);
    // Every pattern that somebody might have is compared; of those that nobody has there is nothing to say.
    if (impact === undefined && isAboutPatterns(change)) return [];
    if (impact !== undefined) return [changeLine(change), ...tenantLines(impact.tenants)];
    return [`${changeLine(change)}${change.effect === "none" ? "" : " (concerns nobody)"}`];
  });

/** The same without those that concern nobody: what a refusal says. */
export const refusalLines = (impacts: readonly Impact[]): readonly string[] =>
  impacts.flatMap(({ change, tenants }) => [changeLine(change), ...tenantLines(tenants)]);

const isAboutPatterns = ({ path }: Change): boolean =>
  path.startsWith("patterns.") || path.startsWith("host patterns.");

const effectWidth = 8;

const changeLine = ({ effect, path, what }: Change): string =>
  `${(effect === "none" ? "" : effect).padEnd(effectWidth)}${path} ${what}`;

const tenantLines = (tenants: readonly TenantImpact[]): readonly string[] => [
  ...tenants.slice(0, tenantsNamedMax).map((tenant) => `${" ".repeat(effectWidth)}  ${tenantLine(tenant)}`),
  ...(tenants.length > tenantsNamedMax
    ? [`${" ".repeat(effectWidth)}  and ${tenants.length - tenantsNamedMax} more tenants`]
    : []),
];

/** `organizations/…: 3 principals (users/…, users/… and 1 more)`. */
const tenantLine = ({ tenant, uses }: TenantImpact): string =>
  `${tenant}: ${uses.map(({ of, name, count, refs }) => `${count} ${nouns[of][count === 1 ? 0 : 1]} with \`${name}\`${listed(count, refs)}`).join("; ")}`;

const listed = (count: number, refs: readonly string[]): string => {
  if (refs.length === 0) return "";
  const rest = count - refs.length;
  return ` (${refs.join(", ")}${rest > 0 ? ` and ${rest} more` : ""})`;
};
