/** What bounds the work of one condition. A condition is accepted for values of these sizes, and refuses to look at larger ones. */

/** Characters of an expression. */
export const expression_length_max = 2_000;
/** Nodes of its syntax tree, and how deep it goes. */
export const expression_nodes_max = 250;
export const expression_depth_max = 24;
/** Comprehensions (`exists`, `all`, …) inside one another. */
export const comprehension_nesting_max = 2;
/** Steps an evaluation may take at most on values of the sizes below, as estimated when it is written: some milliseconds. */
export const cost_max = 100_000;

/** Characters of one text in what was asked or stored. */
export const text_length_max = 1_000;
/** Elements of one list or map in it. */
export const elements_max = 100;
/** Values in all of `context`, or of one map of attributes or properties. */
export const values_max = 500;
export const nesting_max = 6;
