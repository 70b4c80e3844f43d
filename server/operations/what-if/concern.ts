/**
 * What a change may give to somebody or take away, named by what it is about: whose access, and where, follows from what is stored before
 * and after it.
 */
export type Concern =
  /** A role assignment or a resource grant, by id: whose it is, at its node and below. */
  | { readonly assignment: string }
  | { readonly grant: string }
  /** A share link, by id: its creator, and whoever has it, at its node. */
  | { readonly link: string }
  /** A membership, by id: its user, wherever they have anything. */
  | { readonly membership: string }
  /** A custom role, by id: everybody it is assigned to, wherever it is. */
  | { readonly role: string }
  /** A principal, or a group's members, by ref: wherever they have anything. */
  | { readonly beneficiary: string }
  /** A node, by id: everybody who has anything at it, above or below it. */
  | { readonly node: string };
