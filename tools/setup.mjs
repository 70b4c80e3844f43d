// What `npm start`, `npm test` and the other scripts call: sets up what is missing, then runs the entry on the pinned Node.
import { launch, root } from "./launch.mjs";

const entries = {
  start: { file: "server/main.ts", withDev: false },
  tour: { file: "tools/tour.ts", withDev: false },
  test: { file: "tools/test.ts", withDev: true },
  check: { file: "tools/check.ts", withDev: true },
  bench: { file: "bench/main.ts", withDev: true },
  generate: { file: "tools/generate.ts", withDev: true },
  "build-sdk": { file: "tools/build-sdk.ts", withDev: true },
};

const [name = "", ...args] = process.argv.slice(2);
const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
if (entry === undefined) {
  console.error(`usage: node tools/setup.mjs ${Object.keys(entries).join("|")} [arguments]`);
  process.exit(2);
}
process.chdir(root);
await launch(entry.file, args, entry);
