/** docs/seeds.md and docs/conformance.md name tests as proof. Here every one of them is looked up: its file is there, and so is its title. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const pages = ["docs/seeds.md", "docs/conformance.md", "docs/security.md", "docs/performance.md"];
/** Of these, the ones that answer statement by statement. */
const proving = ["docs/seeds.md", "docs/conformance.md"];

type Reference = { readonly title: string; readonly file: string };

const read = (path: string): string => readFileSync(join(root, path), "utf8");

const linksOf = (page: string): readonly Reference[] =>
  [...read(page).matchAll(/\[((?:[^[\]]|\[[^[\]]*\])+)\]\((?!https?:)([^)#]+)\)/g)].map(([, title = "", to = ""]) => ({
    title,
    file: join(dirname(page), to),
  }));

/** A title as it stands in a test's source: in quotes of one kind or another, which it escapes where it holds them. */
const isTitledIn = (source: string, title: string): boolean =>
  ['"', "`"].some((quote) =>
    new RegExp(
      `\\b(?:test|describe)\\(\\s*${quote}${RegExp.escape(title.replaceAll(quote, `\\${quote}`))}${quote}`,
    ).test(source),
  );

for (const page of pages) {
  test(`every file and every test that ${page} names is there`, () => {
    const gone = linksOf(page).filter(({ title, file }) => {
      if (!existsSync(join(root, file))) return true;
      // A link whose text is the path points at the file, and not at a test in it.
      return file.endsWith(".test.ts") && title !== file && !isTitledIn(read(file), title);
    });
    assert.deepEqual(gone, []);
  });
}

for (const page of proving) {
  test(`every statement in ${page} has a proof, or says that it is open`, () => {
    const rows = read(page)
      .split("\n")
      .filter((line) => line.startsWith("| ") && !/^\| (statement|requirement) /.test(line));
    assert.ok(rows.length > 0);
    const bare = rows.filter(
      (row) => !row.includes(".test.ts)") && !row.includes("*open*") && !row.includes("platform's own"),
    );
    assert.deepEqual(bare, []);
  });
}
