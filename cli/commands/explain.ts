/** `countersign explain`: why? A check's question, answered with everything that was looked at and the steps that are missing. */
import type { Command } from "commander";
import { asking } from "./check.ts";

export const explainCommand = (program: Command): void => {
  asking(
    program.command("explain").description("ask why a principal may do something, or may not"),
    "/access/v1/explain",
  );
};
