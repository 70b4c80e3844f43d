/**
 * The protocol as a file: one line for each thing a specification asks, what is done, and the answer it must have. The same lines run
 * against our server and against the oracle; where the two may differ, the line says how and why.
 */
import { authorizationLines } from "./authorization-lines.ts";
import type { Line } from "./line.ts";
import { tokenLines } from "./token-lines.ts";

export const lines: readonly Line[] = [...authorizationLines, ...tokenLines];
