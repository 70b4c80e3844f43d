/** `countersign doctor`: looks at everything a deployment rests on, and says of each part that it is well, or what to do. */
import type { Command } from "commander";
import { readConfig } from "../../server/config.ts";
import { modelInForceCheck } from "../doctor/model.ts";
import { modelCheck, nodeCheck, settingsCheck } from "../doctor/machine.ts";
import { type Check, type Outcome, outcomeOf, wrong } from "../doctor/outcome.ts";
import { servingChecks } from "../doctor/serving.ts";
import { storageChecks } from "../doctor/storage.ts";
import { print } from "../output.ts";

export const doctorCommand = (program: Command): void => {
  program
    .command("doctor")
    .description(
      "check the machine, the settings, the database, the model in force, the cache, the ports and the issuer",
    )
    .action(async () => {
      const outcomes: Outcome[] = [];
      for (const check of checks()) {
        const outcome = await outcomeOf(check);
        outcomes.push(outcome);
        print(line(check.name, outcome));
      }
      if (outcomes.some((outcome) => "wrong" in outcome)) process.exitCode = 1;
    });
};

/** Without settings there is nothing else to look at. */
const checks = (): readonly Check[] => {
  const read = readConfig(process.env);
  if ("errors" in read) return [nodeCheck, { name: "settings", run: async () => wrong(read.errors.join("; ")) }];
  const { config } = read;
  return [
    nodeCheck,
    settingsCheck(config),
    modelCheck(config),
    ...storageChecks(config),
    modelInForceCheck(config),
    ...servingChecks(config),
  ];
};

const nameWidth = 20;

const line = (name: string, outcome: Outcome): string =>
  `${"well" in outcome ? "ok    " : "failed"}  ${name.padEnd(nameWidth)}  ${"well" in outcome ? outcome.well : outcome.wrong}`;
