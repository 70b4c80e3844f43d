/**
 * `countersign …`: what an operator does at a terminal, and a verb for every operation the server has.
 *
 * The commands of our own stand in commands/, one file each. The operations' verbs follow from the same declarations the server's routes
 * follow from (commands/operations.ts). Only what the first word asks for is loaded: most of the server comes with some of them.
 */
import { Command, CommanderError } from "commander";
import { withConnection } from "./connection.ts";
import { failureText } from "./failure.ts";

/** By the word they begin with. */
const ours: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  bootstrap: async () => (await import("./commands/bootstrap.ts")).bootstrapCommand,
  migrate: async () => (await import("./commands/migrate.ts")).migrateCommand,
  keys: async () => (await import("./commands/keys.ts")).keysCommand,
  model: async () => (await import("./commands/model.ts")).modelCommand,
  config: async () => (await import("./commands/config-check.ts")).configCheckCommand,
  doctor: async () => (await import("./commands/doctor.ts")).doctorCommand,
  token: async () => (await import("./commands/token.ts")).tokenCommand,
  introspect: async () => (await import("./commands/introspect.ts")).introspectCommand,
  check: async () => (await import("./commands/check.ts")).checkCommand,
  explain: async () => (await import("./commands/explain.ts")).explainCommand,
  search: async () => (await import("./commands/search.ts")).searchCommand,
  grpc: async () => (await import("./commands/grpc.ts")).grpcCommand,
};

/** The commands the first word may mean: one of ours, a collection's, or else all there are. */
const commandsFor = async (word: string | undefined): Promise<readonly ((program: Command) => void)[]> => {
  const one = word !== undefined && Object.hasOwn(ours, word) ? ours[word] : undefined;
  if (one !== undefined) return [await one()];
  const { operationCommands } = await import("./commands/operations.ts");
  const { collectionOf } = await import("./commands/verb.ts");
  const { verbsFor } = await import("./commands/verbs.ts");
  const verbs = await verbsFor(word);
  if (verbs?.every((verb) => collectionOf(verb) === word) === true) return [operationCommands(verbs)];
  return [...(await Promise.all(Object.values(ours).map((load) => load()))), operationCommands(verbs)];
};

const main = async (args: readonly string[]): Promise<void> => {
  const program = withConnection(new Command("countersign"))
    .description("Countersign: who is calling, for whom, what may they do, and who else must agree.")
    .showHelpAfterError("(add --help for what there is)")
    .configureHelp({ showGlobalOptions: true })
    .exitOverride();
  for (const add of await commandsFor(args[0])) add(program);
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
