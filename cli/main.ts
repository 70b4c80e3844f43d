/**
 * `countersign …`: what an operator does at a terminal, and a verb for every operation the server has.
 *
 * The commands of our own stand in commands/, one file each. The operations' verbs follow from the same declarations the server's routes
 * follow from (commands/operations.ts); they are loaded only when none of ours was meant, since most of the server comes with them.
 */
import { Command, CommanderError } from "commander";
import { bootstrapCommand } from "./commands/bootstrap.ts";
import { checkCommand } from "./commands/check.ts";
import { configCheckCommand } from "./commands/config-check.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { grpcCommand } from "./commands/grpc.ts";
import { introspectCommand } from "./commands/introspect.ts";
import { migrateCommand } from "./commands/migrate.ts";
import { tokenCommand } from "./commands/token.ts";
import { withConnection } from "./connection.ts";
import { failureText } from "./failure.ts";

const ours = [
  bootstrapCommand,
  migrateCommand,
  configCheckCommand,
  doctorCommand,
  tokenCommand,
  introspectCommand,
  checkCommand,
  grpcCommand,
];

const main = async (args: readonly string[]): Promise<void> => {
  const program = withConnection(new Command("countersign"))
    .description("Countersign: who is calling, for whom, what may they do, and who else must agree.")
    .showHelpAfterError("(add --help for what there is)")
    .configureHelp({ showGlobalOptions: true })
    .exitOverride();
  for (const add of ours) add(program);
  const first = args[0];
  if (!program.commands.some((command) => command.name() === first && command.commands.length === 0)) {
    const { operationCommands } = await import("./commands/operations.ts");
    operationCommands(program);
  }
  if (args.length === 0) program.outputHelp();
  else await program.parseAsync(args, { from: "user" });
};

try {
  await main(process.argv.slice(2));
} catch (error) {
  // Commander has said what was wrong, or has shown the help that was asked for.
  if (error instanceof CommanderError) process.exitCode = error.exitCode;
  else {
    process.stderr.write(`${failureText(error)}\n`);
    process.exitCode = 1;
  }
}
