/**
 * One accent colour, made fit to be read: as a surface with text on it, and as text on the page, in light and in dark. Whatever colour a
 * tenant has chosen, what is written with it has the contrast of WCAG 2.2 AA.
 */
import { contrast, grounds, readColor, type Rgb } from "../policies/brandings/contrast.ts";

export type Accent = {
  /** Behind text. */
  readonly surface: string;
  readonly onSurface: string;
  /** As text, on the page's ground. */
  readonly text: string;
};

/** WCAG 2.2 §1.4.3, with room for the rounding of colours. */
const contrastMin = 4.6;
/** So that a surface can be seen at all. Its text says what it is, so §1.4.11 asks for no more, and a colour stays what it is. */
const surfaceContrastMin = 1.3;

const white: Rgb = [255, 255, 255];
const ink: Rgb = [16, 20, 26];

export const defaultAccent = "#1f5f52";

const colorText = (color: Rgb): string =>
  `#${color.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;

const mixed = (color: Rgb, towards: Rgb, share: number): Rgb => [
  color[0] + (towards[0] - color[0]) * share,
  color[1] + (towards[1] - color[1]) * share,
  color[2] + (towards[2] - color[2]) * share,
];

const steps = 50;

/** The colour, moved as little towards `towards` as it takes to stand out from the ground. */
const standingOut = (color: Rgb, towards: Rgb, ground: Rgb, min: number): Rgb => {
  for (let step = 0; step < steps; step += 1) {
    const candidate = mixed(color, towards, step / steps);
    if (contrast(candidate, ground) >= min) return candidate;
  }
  return towards;
};

const accentOn = (color: Rgb, scheme: "light" | "dark"): Accent => {
  const ground = grounds[scheme];
  const away = scheme === "light" ? ink : white;
  const shown = standingOut(color, away, ground, surfaceContrastMin);
  const onSurface = contrast(shown, white) >= contrast(shown, ink) ? white : ink;
  // Between the two there is a grey on which neither reads; away from the text it is left.
  const surface = standingOut(shown, onSurface === white ? ink : white, onSurface, contrastMin);
  return {
    surface: colorText(surface),
    onSurface: colorText(onSurface),
    text: colorText(standingOut(color, away, ground, contrastMin)),
  };
};

/** Undefined where the text is no `#rrggbb`. */
export const accentOf = (text: string): { readonly light: Accent; readonly dark: Accent } | undefined => {
  const color = readColor(text);
  return color && { light: accentOn(color, "light"), dark: accentOn(color, "dark") };
};

/** The rules that hand it to style.css. Made of hexadecimal digits alone. */
export const accentStyle = (text: string | null | undefined): string => {
  const accent = accentOf(text ?? "") ?? accentOf(defaultAccent);
  if (accent === undefined) return "";
  const rule = ({ surface, onSurface, text: asText }: Accent): string =>
    `:root{--accent:${surface};--on-accent:${onSurface};--accent-text:${asText}}`;
  return `${rule(accent.light)}@media (prefers-color-scheme:dark){${rule(accent.dark)}}`;
};
