#!/usr/bin/env node
// `npx countersign …`: the command line, on the pinned Node, with the same set-up as `npm start`.
import { launch } from "../tools/launch.mjs";

await launch("cli/main.ts", process.argv.slice(2), { withDev: false });
