/** Contrast as WCAG 2.2 counts it: what a colour must have to be told from the pages' grounds, and which text can be read on it. */

export type Rgb = readonly [number, number, number];

/** What stands behind text on the pages: the darkest light ground and the lightest dark one. */
export const grounds = { light: [244, 242, 236], dark: [34, 38, 45] } as const satisfies Record<string, Rgb>;

const white: Rgb = [255, 255, 255];
const ink: Rgb = [16, 20, 26];

/** Undefined where the text is no `#rrggbb`. */
export const readColor = (text: string): Rgb | undefined => {
  const digits = /^#([0-9a-f]{6})$/i.exec(text)?.[1];
  if (digits === undefined) return undefined;
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => Number.parseInt(digits.slice(at, at + 2), 16));
  return [red, green, blue];
};

/** Relative luminance. */
const luminance = (color: Rgb): number => {
  const [red = 0, green = 0, blue = 0] = color.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};

/** Contrast ratio: 1 to 21. */
export const contrast = (one: Rgb, other: Rgb): number => {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
};

/** White or near-black, whichever reads better on it. */
export const textOn = (color: string): "#ffffff" | "#10141a" => {
  const ground = readColor(color) ?? ink;
  return contrast(ground, white) >= contrast(ground, ink) ? "#ffffff" : "#10141a";
};
