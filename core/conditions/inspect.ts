/**
 * Reads the tree of an expression before it is accepted: whether it says only what conditions may say, and what it can cost at most.
 *
 * The cost is an estimate from above, as cel-go makes one: every value looked at may be as large as the limits let it be, a comprehension
 * costs its body once for each element, and what compares or searches costs by what it has to look at.
 */
import type { ASTNode } from "@marcbachmann/cel-js";
import { comprehension_nesting_max, cost_max, elements_max, text_length_max } from "./limits.ts";
import { comprehensions, fields, functions, methods, variables, zonedName } from "./language.ts";
import { notANetwork, readNetwork } from "./networks.ts";
import { zoned } from "./zones.ts";

export type Objection = { readonly at: ASTNode; readonly message: string };

/** Bounds of a value, or of anything inside it: elements of a list or map, characters of a text. */
type Size = { readonly elements: number; readonly chars: number };

/** What a part costs to evaluate, and how large its value can be. */
type Estimate = Size & { readonly cost: number };

const unknown: Size = { elements: elements_max, chars: text_length_max };
const nothing: Size = { elements: 0, chars: 0 };

/** Everything there is to object to, in the order of the text. Renames what the zones are worked out by. */
export const inspect = (root: ASTNode): readonly Objection[] => {
  const objections: Objection[] = [];
  const object = (at: ASTNode, message: string): void => void objections.push({ at, message });
  const { cost } = estimate(root, { known: new Map(), nesting: 0, object });
  if (cost > cost_max)
    object(
      root,
      `it may take ${Math.round(cost)} steps, and ${cost_max} are allowed; look at fewer lists inside one another`,
    );
  return objections;
};

type Around = {
  /** Iteration variables in scope, and how large they can be. */
  readonly known: ReadonlyMap<string, Size>;
  readonly nesting: number;
  readonly object: (at: ASTNode, message: string) => void;
};

const estimate = (node: ASTNode, around: Around): Estimate => {
  switch (node.op) {
    case "value":
      return { cost: 1, elements: 0, chars: typeof node.args === "string" ? node.args.length : 0 };
    case "id":
      return { cost: 1, ...named(node, node.args, around) };
    case ".":
    case ".?": {
      const [from, field] = node.args;
      return { ...fieldOf(node, from, field, around), cost: 1 + estimate(from, around).cost };
    }
    case "call":
      return called(node, node.args[0], node.args[1], around);
    case "rcall": {
      const [method, receiver, args] = node.args;
      return comprehensions.includes(method)
        ? comprehended(node, receiver, args, around)
        : calledOn(node, method, receiver, args, around);
    }
    case "list":
      return gathered(node.args, around);
    case "map":
      return gathered(node.args.flat(), around);
    case "?:":
      return branched(node.args, around);
    case "!_":
    case "-_":
      return { ...nothing, cost: 1 + estimate(node.args, around).cost };
    case "&&":
    case "||":
      return { ...nothing, cost: 1 + both(node.args, around).cost };
    case "[]":
    case "[?]":
      return { ...unknown, cost: 1 + both(node.args, around).cost };
    case "+": {
      const given = both(node.args, around);
      return { ...given, cost: 1 + given.cost + given.elements + weight(given) };
    }
    case "==":
    case "!=": {
      const [left, right] = node.args.map((one) => estimate(one, around)) as [Estimate, Estimate];
      const given = sum([left, right]);
      return { ...nothing, cost: 1 + given.cost + Math.min(left.elements, right.elements) + weight(given) };
    }
    case "<":
    case "<=":
    case ">":
    case ">=":
    case "in":
    case "-":
    case "*":
    case "/":
    case "%": {
      const given = both(node.args, around);
      return { ...nothing, cost: 1 + given.cost + given.elements + weight(given) };
    }
  }
};

const named = (node: ASTNode, name: string, { known, object }: Around): Size => {
  const size = known.get(name);
  if (size === undefined && !variables.includes(name))
    object(node, `there is no variable \`${name}\`; there are ${quoted(variables)}`);
  return size ?? unknown;
};

/** Of our own two records the fields are known; those that are texts have no elements. */
const fieldOf = (node: ASTNode, from: ASTNode, field: string, { known, object }: Around): Size => {
  if (from.op !== "id" || known.has(from.args) || !(from.args === "subject" || from.args === "resource"))
    return unknown;
  const types: Readonly<Record<string, string>> = fields[from.args];
  if (!Object.hasOwn(types, field))
    object(node, `\`${from.args}\` has no \`${field}\`; it has ${quoted(Object.keys(types))}`);
  return types[field] === "string" ? { ...unknown, elements: 0 } : unknown;
};

const called = (node: ASTNode, name: string, args: readonly ASTNode[], around: Around): Estimate => {
  const { object } = around;
  if (!functions.includes(name)) object(node, `there is no function \`${name}\`; there are ${quoted(functions)}`);
  if (name === "in_network") checkNetworks(args[1], around);
  const given = sum(args.map((one) => estimate(one, around)));
  return { ...given, cost: 1 + given.cost + given.elements + weight(given) };
};

/** A network that is written down is read when the condition is. */
const checkNetworks = (node: ASTNode | undefined, { object }: Around): void => {
  const written = node === undefined ? [] : node.op === "list" ? node.args : [node];
  for (const one of written)
    if (one.op === "value" && typeof one.args === "string" && readNetwork(one.args) === undefined)
      object(one, notANetwork(one.args));
};

const calledOn = (
  node: ASTNode & { readonly op: "rcall" },
  method: string,
  receiver: ASTNode,
  args: readonly ASTNode[],
  around: Around,
): Estimate => {
  if (!methods.includes(method))
    around.object(
      node,
      method === "matches"
        ? "there is no `matches`, as nothing bounds how long it runs; use `startsWith`, `endsWith`, `contains` or `in`"
        : `there is no function \`${method}\` to call on something; there are ${quoted(methods)}`,
    );
  if (Object.hasOwn(zoned, method) && args.length === 1) (node.args as [string, ...unknown[]])[0] = zonedName(method);
  const given = sum([receiver, ...args].map((one) => estimate(one, around)));
  return { ...given, cost: 1 + given.cost + weight(given) };
};

const comprehended = (node: ASTNode, receiver: ASTNode, args: readonly ASTNode[], around: Around): Estimate => {
  const { known, nesting, object } = around;
  const list = estimate(receiver, around);
  const [variable, body] = args;
  if (variable?.op !== "id" || body === undefined) return list;
  if (variables.includes(variable.args))
    object(variable, `\`${variable.args}\` is there already; call what is gone through something else`);
  if (nesting >= comprehension_nesting_max)
    object(node, `more than ${comprehension_nesting_max} of ${quoted(comprehensions)} are inside one another`);
  const inside = { known: new Map([...known, [variable.args, list]]), nesting: nesting + 1, object };
  const each = estimate(body, inside);
  return { elements: list.elements, chars: list.chars, cost: 1 + list.cost + list.elements * (1 + each.cost) };
};

const gathered = (parts: readonly ASTNode[], around: Around): Estimate => {
  const all = parts.map((one) => estimate(one, around));
  return {
    cost: 1 + all.reduce((total, one) => total + one.cost, 0),
    elements: Math.max(parts.length, ...all.map((one) => one.elements)),
    chars: Math.max(0, ...all.map((one) => one.chars)),
  };
};

const branched = (parts: readonly [ASTNode, ASTNode, ASTNode], around: Around): Estimate => {
  const [condition, ...branches] = parts.map((one) => estimate(one, around));
  return {
    cost: 1 + (condition?.cost ?? 0) + branches.reduce((total, one) => total + one.cost, 0),
    elements: Math.max(...branches.map((one) => one.elements)),
    chars: Math.max(...branches.map((one) => one.chars)),
  };
};

const both = (parts: readonly [ASTNode, ASTNode], around: Around): Estimate =>
  sum(parts.map((one) => estimate(one, around)));

const sum = (parts: readonly Estimate[]): Estimate =>
  parts.reduce(
    (all, one) => ({
      cost: all.cost + one.cost,
      elements: all.elements + one.elements,
      chars: all.chars + one.chars,
    }),
    { ...nothing, cost: 0 },
  );

/** Characters are compared many at a time. */
const weight = ({ chars }: Size): number => chars / 1_000;

export const quoted = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(", ");
