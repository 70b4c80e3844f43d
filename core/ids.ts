/**
 * Branded identifiers: a `PrincipalId` where a `TenantId` belongs does not compile.
 *
 * Every stored id is a lower-case UUID. What the outside sees is a ref, `collection/{uuid}` (design §7): opaque, never reused.
 */
declare const brand: unique symbol;
export type Id<Name extends string> = string & { readonly [brand]: Name };

/** The isolation boundary. Equal, as a UUID, to the id of the tenant's root node. */
export type TenantId = Id<"tenant">;
/** A perimeter or a registered resource in a tenant's tree. */
export type NodeId = Id<"node">;
/** A human (`users`) or a service (`service-accounts`). */
export type PrincipalId = Id<"principal">;
/** What proves a principal: an API token, a client secret, a key. */
export type CredentialId = Id<"credential">;
export type RoleId = Id<"role">;
export type AssignmentId = Id<"assignment">;
export type GrantId = Id<"grant">;
export type GroupId = Id<"group">;
export type ShareLinkId = Id<"share-link">;

export type PrincipalKind = "human" | "service";

/** Whom authority can be given to: a principal, or a group of them. */
export type BeneficiaryKind = PrincipalKind | "group";
export type BeneficiaryId = PrincipalId | GroupId;

/** The REST collections principals live in, by kind. */
export const principalCollections = { human: "users", service: "service-accounts" } as const;

/** The same, groups among them. */
export const beneficiaryCollections = { ...principalCollections, group: "groups" } as const;

/** The tenant that stands for the deployment itself; operators and the platform's own services live in it. */
export const hostTenant = "00000000-0000-4000-8000-000000000000" as TenantId;

/** The node at the root of a tenant's tree. */
export const rootNode = (tenant: TenantId): NodeId => tenant as string as NodeId;

/** `collection/{uuid}`. */
export type Ref = { readonly collection: string; readonly id: string };

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether the text is a UUID as Countersign writes them: lower case, with dashes. */
export const isUuid = (text: string): boolean => uuid.test(text);

/** Reads `collection/{uuid}`; anything else is undefined. */
export const parseRef = (text: string): Ref | undefined => {
  const slash = text.indexOf("/");
  const collection = text.slice(0, slash);
  const id = text.slice(slash + 1);
  return slash > 0 && isUuid(id) ? { collection, id } : undefined;
};

export const formatRef = (collection: string, id: string): string => `${collection}/${id}`;

/** The kind of principal a collection holds, or undefined where it holds none. */
export const principalKindOf = (collection: string): PrincipalKind | undefined =>
  collection === principalCollections.human
    ? "human"
    : collection === principalCollections.service
      ? "service"
      : undefined;

/** `users/{uuid}`, `service-accounts/{uuid}` or `groups/{uuid}`. */
export const beneficiaryRef = (kind: BeneficiaryKind, id: BeneficiaryId): string =>
  formatRef(beneficiaryCollections[kind], id);

/** The kind of beneficiary a collection holds, or undefined where it holds none. */
export const beneficiaryKindOf = (collection: string): BeneficiaryKind | undefined =>
  collection === beneficiaryCollections.group ? "group" : principalKindOf(collection);

/** `users/{uuid}` or `service-accounts/{uuid}`. */
export const principalRef = (kind: PrincipalKind, id: PrincipalId): string => formatRef(principalCollections[kind], id);
