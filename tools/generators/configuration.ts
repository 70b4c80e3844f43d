// The reference of all settings, from the table that server/config.ts reads them by.
import { type Setting, settings } from "../../server/config.ts";

export const path = "docs/configuration.md";

export const generate = async (): Promise<string> => {
  const rows: readonly Setting<string | number>[] = Object.values(settings);
  return `<!-- Generated from server/config.ts by \`npm run generate\`. -->
# Configuration

Settings come from the environment. Each may instead be read from a file that \`…__FILE\` names, for secrets that an orchestrator mounts:
\`COUNTERSIGN_SECRET_KEY__FILE=/run/secrets/countersign\`. A variable that begins with \`COUNTERSIGN_\` and is not in this table stops the
start, so that a mistyped name is not silently ignored; \`countersign config check\` lists every mistake at once, and prints what is in force.

| variable | default | what it is |
|---|---|---|
${rows.map(row).join("\n")}

Without \`COUNTERSIGN_DATABASE_URL\` the embedded database runs in the data directory: for evaluation and one small node. With it,
\`COUNTERSIGN_CACHE_URL\` and \`COUNTERSIGN_SECRET_KEY\` are required, the same for every process.

Relative paths are taken from the working directory, which for \`npm start\` is the checkout.
`;
};

const row = ({ name, fallback, about, secret }: Setting<string | number>): string =>
  `| \`COUNTERSIGN_${name}\` | ${fallback === "" ? "(empty)" : `\`${fallback}\``} | ${cell(about)}${secret === true ? ". Secret: never printed or logged" : ""} |`;

const cell = (text: string): string => text.replaceAll("|", "\\|");
