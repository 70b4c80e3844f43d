/** Which facts count at a target: those that have not expired, and those whose anchor or node is on its path. */
import type { NodeId } from "../ids.ts";
import type { AssignmentFact, PathNode } from "./types.ts";

/** A time that is not a number is no time at which anything that expires is live. */
export const isLive = (fact: { readonly expiresAt: number | null }, at: number): boolean =>
  fact.expiresAt === null || fact.expiresAt > at;

export const isOn = (node: NodeId, path: readonly PathNode[]): boolean => {
  for (const step of path) if (step.node === node) return true;
  return false;
};

export const reaches = ({ anchor, propagation }: AssignmentFact, path: readonly PathNode[]): boolean => {
  if (anchor === "host") return true;
  return propagation === "subtree" ? isOn(anchor, path) : path[0]?.node === anchor;
};

/** An assignment inside the tenant's tree, as opposed to one at the host. */
export type TenantAssignment = AssignmentFact & { readonly anchor: NodeId };

export const isInTenant = (assignment: AssignmentFact): assignment is TenantAssignment => assignment.anchor !== "host";

/** By id, so that the order the facts came in does not show. */
export const isBefore = (one: { readonly id: string }, other: { readonly id: string } | undefined): boolean =>
  other === undefined || one.id < other.id;
