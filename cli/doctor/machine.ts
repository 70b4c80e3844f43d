/** What can be told without asking anyone: the program this runs on, and what it was told to do. */
import { readFileSync } from "node:fs";
import type { Config } from "../../server/config.ts";
import { loadModel } from "../../server/startup/access-model.ts";
import { mistakes } from "../commands/config-check.ts";
import { type Check, well, wrong } from "./outcome.ts";

export const nodeCheck: Check = {
  name: "node",
  run: async () => {
    const pinned = pinnedNode();
    return process.versions.node === pinned
      ? well(`v${pinned}, the pinned one`)
      : wrong(
          `this runs on v${process.versions.node}, and was tested with v${pinned}: start it with npx countersign, npm start or npm test`,
        );
  },
};

/** The version in package.json, which is the same for every platform. */
const pinnedNode = (): string | undefined => {
  const file = new URL("../../package.json", import.meta.url);
  const { optionalDependencies } = JSON.parse(readFileSync(file, "utf8")) as {
    optionalDependencies: Record<string, string>;
  };
  return Object.entries(optionalDependencies).find(([name]) => /^node-(bin-)?(linux|darwin|win)-/.test(name))?.[1];
};

export const settingsCheck = (config: Config): Check => ({
  name: "settings",
  run: async () => {
    const found = mistakes(config);
    return found.length === 0 ? well("every setting can be read") : wrong(found.join("; "));
  },
});

export const modelCheck = (config: Config): Check => ({
  name: "access model",
  run: async () => {
    const { model, version, path } = loadModel(config.model);
    return well(`\`${model.title}\`, version ${version}, from ${path}`);
  },
});
