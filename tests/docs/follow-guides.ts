/** The guides tell the truth: every command in them runs, from top to bottom, beside a fresh server. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join, normalize } from "node:path";
import { after, test } from "node:test";
import { inShell, readPage, root } from "../readme/page.ts";
import { startServer } from "../support/server-process.ts";

const folder = "docs/guides";

/** sign-in.md is followed by a human with a browser in sign-in.test.ts, commands and all. */
const followedElsewhere = "sign-in.md";

/** Guides that are about who may do what. They have a file of tests of their own: a command takes a second, and there are a hundred. */
const ofAccess: ReadonlySet<string> = new Set([
  "conditions.md",
  "decisions.md",
  "gateways.md",
  "model.md",
  "protect-an-api.md",
  "roles-and-perimeters.md",
  "sdk.md",
  "sharing.md",
]);

/** That `npx countersign` reaches the command line is shown by the README's test; here its start-up would be most of the time. */
const npx = `npx() { [ "$1" = countersign ] || return 1; shift; "${process.execPath}" cli/main.ts "$@"; }`;

/** Declares the tests of one half of the guides; the two together are all there are. */
export const followGuides = async (half: "of access" | "of the rest"): Promise<void> => {
  const guides = readdirSync(join(root, folder))
    .filter((file) => file.endsWith(".md"))
    .filter((file) => ofAccess.has(file) === (half === "of access"));
  const server = await startServer();
  after(() => server.stop());

  /** What a reader has by `npm start`, the test's server has elsewhere. */
  const here = (commands: string): string =>
    commands
      .replaceAll("http://localhost:8080", server.issuer)
      .replaceAll("data/bootstrap.json", `${server.dataDir}/bootstrap.json`);

  for (const file of guides) {
    const page = readPage(join(folder, file));

    if (file !== followedElsewhere)
      test(`the commands of ${file} run`, async () => {
        const commands = page.blocks.filter(({ language }) => language === "sh").map(({ body }) => here(body));
        const { code, stdout, stderr } = await inShell(
          ["bash", "-c", ["set -e -o pipefail", npx, ...commands].join("\n")],
          server.env,
        );
        assert.equal(code, 0, `${stdout}\n${stderr}`);
        // curl is content with a refusal; the reader is not.
        assert.doesNotMatch(stdout, /"(error|status)": ?("|4\d\d)/, `${stdout}\n${stderr}`);
      });

    test(`the links of ${file} lead somewhere`, () => {
      const broken = page.links.filter((link) => !existsSync(join(root, normalize(join(folder, link)))));
      assert.deepEqual(broken, []);
    });
  }
};
