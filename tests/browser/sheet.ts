/**
 * Several pictures on one sheet, in few colours: what is kept in the repository is to be seen, not measured. It is drawn on a canvas of
 * another, empty page, so that no page's own policy has a say in it, and written as an indexed PNG, a third as large as another.
 */
import { crc32, deflateSync } from "node:zlib";
import type { Page } from "playwright-core";

const sheetHeight = 400;
/** A picture that is wider than this, in sheet heights, shows its middle. */
const widthMax = 1.6;
const gap = 6;
const colours = 48;

type Drawn = {
  readonly width: number;
  readonly height: number;
  /** Red, green and blue, and then the next colour. */
  readonly palette: readonly number[];
  /** An octet a pixel, base64. */
  readonly pixels: string;
};

export const sheetOf = async (page: Page, pictures: readonly Buffer[]): Promise<Buffer> => {
  const sheet = await page.context().newPage();
  const sources = pictures.map((picture) => `data:image/png;base64,${picture.toString("base64")}`);
  const settings = { sources, sheetHeight, widthMax, gap, colours };
  const drawn = await sheet.evaluate<Drawn>(`(${script})(${JSON.stringify(settings)})`);
  await sheet.close();
  return indexedPng(drawn);
};

/** Runs in the browser. Each pixel takes the nearest of the sheet's most frequent colours. */
const script = `async ({ sources, sheetHeight, widthMax, gap, colours }) => {
  const images = await Promise.all(sources.map(async (source) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    return image;
  }));
  const widths = images.map(({ width, height }) => Math.round(sheetHeight * Math.min(width / height, widthMax)));
  const canvas = document.createElement("canvas");
  canvas.width = widths.reduce((sum, width) => sum + width + gap, gap);
  canvas.height = sheetHeight + 2 * gap;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#808080";
  context.fillRect(0, 0, canvas.width, canvas.height);
  let x = gap;
  images.forEach((image, at) => {
    const shown = (widths[at] * image.height) / sheetHeight;
    context.drawImage(image, (image.width - shown) / 2, 0, shown, image.height, x, gap, widths[at], sheetHeight);
    x += widths[at] + gap;
  });
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const buckets = new Map();
  const bucketAt = (at) => ((data[at] >> 3) << 10) | ((data[at + 1] >> 3) << 5) | (data[at + 2] >> 3);
  for (let at = 0; at < data.length; at += 4) {
    const key = bucketAt(at);
    const bucket = buckets.get(key) ?? [0, 0, 0, 0];
    bucket[0] += 1;
    for (let part = 0; part < 3; part += 1) bucket[part + 1] += data[at + part];
    buckets.set(key, bucket);
  }
  const mean = ([count, ...sums]) => sums.map((sum) => Math.round(sum / count));
  const distance = (one, other) => one.reduce((sum, part, at) => sum + (part - other[at]) ** 2, 0);
  const byCount = [...buckets.values()].sort((a, b) => b[0] - a[0]);
  const palette = byCount.slice(0, colours / 2).map(mean);
  // The other half are those that none of the frequent ones come near: a red line of text is rare, and what the page is about.
  const others = byCount.slice(colours / 2).map((bucket) => ({ colour: mean(bucket), weight: Math.log(bucket[0] + 1), far: Infinity }));
  for (const other of others) other.far = Math.min(...palette.map((one) => distance(one, other.colour)));
  for (let added = 0; added < colours / 2 && others.length > 0; added += 1) {
    const next = others.reduce((best, other) => (other.far * other.weight > best.far * best.weight ? other : best));
    palette.push(next.colour);
    for (const other of others) other.far = Math.min(other.far, distance(next.colour, other.colour));
  }
  const nearest = new Map();
  for (const [key, bucket] of buckets) {
    const colour = mean(bucket);
    const far = palette.map((one) => distance(one, colour));
    nearest.set(key, far.indexOf(Math.min(...far)));
  }
  let pixels = "";
  for (let at = 0; at < data.length; at += 4) pixels += String.fromCharCode(nearest.get(bucketAt(at)));
  return { width: canvas.width, height: canvas.height, palette: palette.flat(), pixels: btoa(pixels) };
}`;

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** PNG §5.3. */
const chunk = (type: string, data: Buffer): Buffer => {
  const named = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
};

/** PNG §11.2: eight bits a pixel, each an index into the palette; no line is filtered. */
const indexedPng = ({ width, height, palette, pixels }: Drawn): Buffer => {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const indices = Buffer.from(pixels, "base64");
  const lines = Array.from({ length: height }, (_, line) => [
    Buffer.alloc(1),
    indices.subarray(line * width, (line + 1) * width),
  ]).flat();
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("PLTE", Buffer.from(palette)),
    chunk("IDAT", deflateSync(Buffer.concat(lines), { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
};
