/**
 * Patterns expanded once and remembered: requests carry the same few scope lists over and over. What is remembered is arithmetic on the
 * model, neither a token nor a decision, and the memory is bounded.
 */
import type { Model, PermissionSet } from "./model.ts";
import { expand, type Reach } from "./permissions.ts";

const rememberedMax = 2_000;

const memories = new WeakMap<Model, Map<string, PermissionSet>>();

const memoryOf = (model: Model): Map<string, PermissionSet> => {
  const known = memories.get(model);
  if (known !== undefined) return known;
  const fresh = new Map<string, PermissionSet>();
  memories.set(model, fresh);
  return fresh;
};

/** The permissions the patterns stand for; patterns that match nothing add nothing. */
export const expandedIn = (model: Model, patterns: readonly string[], reach: Reach): PermissionSet => {
  const memory = memoryOf(model);
  const name = `${reach} ${patterns.join(" ")}`;
  const known = memory.get(name);
  if (known !== undefined) return known;
  // Starting over is simpler than choosing whom to forget, and as rare as two thousand different lists.
  if (memory.size >= rememberedMax) memory.clear();
  const { set } = expand(model, patterns, reach);
  memory.set(name, set);
  return set;
};
