/**
 * How a page looks, and whether everybody can read it: a picture in light and dark, on a phone and on a desk, and axe's judgement in both
 * schemes. Pictures are kept in `screens/`; they are renewed by `COUNTERSIGN_SCREENS=renew`, since no two machines draw alike.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";
import { desk, phone } from "./chromium.ts";
import { sheetOf } from "./sheet.ts";

const folder = join(import.meta.dirname, "screens");
/** WCAG 2.2 AA, and what it contains. */
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** What another colour scheme can change: everything else is the same page. */
const colourRules = ["color-contrast", "link-in-text-block"];
const renews = process.env["COUNTERSIGN_SCREENS"] === "renew";

export const look = async (page: Page, name: string): Promise<void> => {
  const file = join(folder, `${name}.png`);
  const keeps = renews || !existsSync(file);
  const pictures: Buffer[] = [];
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    for (const viewport of [desk, phone]) {
      await page.setViewportSize(viewport);
      const wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
      assert.equal(wide, 0, `${name} has to be scrolled sideways where it is ${viewport.width} wide`);
      if (keeps) pictures.push(await page.screenshot({ type: "png", fullPage: true, scale: "css" }));
    }
    assert.equal(page.frames().length, 1, `${name} has frames, which axe is not asked about`);
    // What is called legacy judges in the page itself, by the same rules; the other way opens a second page to add up what frames say.
    const axe = new AxeBuilder({ page }).setLegacyMode();
    const { violations } = await (scheme === "light" ? axe.withTags(tags) : axe.withRules(colourRules)).analyze();
    const said = violations.map(
      ({ id, help, nodes }) =>
        `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html}\n  ${failureSummary}`).join("\n")}`,
    );
    assert.deepEqual(said, [], `axe on ${name}, ${scheme}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(desk);
  if (keeps) await writeFile(file, await sheetOf(page, pictures));
};
