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

const folder = join(import.meta.dirname, "screens");
/** WCAG 2.2 AA, and what it contains. */
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const sheetHeight = 340;
const shade = 25.5;
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
    const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
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

/**
 * All four on one sheet, in few shades: what is kept in the repository is to be seen, not measured. Drawn on a canvas of another, empty
 * page, so that the page's own policy has no say in it.
 */
const sheetOf = async (page: Page, pictures: readonly Buffer[]): Promise<Buffer> => {
  const sheet = await page.context().newPage();
  const sources = pictures.map((picture) => `data:image/png;base64,${picture.toString("base64")}`);
  const drawn = await sheet.evaluate<string>(`(async () => {
    const images = await Promise.all(${JSON.stringify(sources)}.map(async (source) => {
      const image = new Image();
      image.src = source;
      await image.decode();
      return image;
    }));
    const height = ${sheetHeight}, gap = 6;
    const widths = images.map((image) => Math.min(Math.round((image.width / image.height) * height), Math.round(height * 1.05)));
    const canvas = document.createElement("canvas");
    canvas.width = widths.reduce((sum, width) => sum + width + gap, gap);
    canvas.height = height + 2 * gap;
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.fillStyle = "#888";
    context.fillRect(0, 0, canvas.width, canvas.height);
    let x = gap;
    images.forEach((image, at) => {
      const scale = image.height / height, shown = widths[at] * scale;
      context.drawImage(image, (image.width - shown) / 2, 0, shown, image.height, x, gap, widths[at], height);
      x += widths[at] + gap;
    });
    const all = context.getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < all.data.length; at += 1) all.data[at] = Math.min(255, Math.round(all.data[at] / ${shade}) * ${shade});
    context.putImageData(all, 0, 0);
    return canvas.toDataURL("image/png").split(",")[1];
  })()`);
  await sheet.close();
  return Buffer.from(drawn, "base64");
};
