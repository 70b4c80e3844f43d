/** A tenant's face on the pages and in mail: a name, a logo, an accent colour. A tenant that never wrote one has none, at `r0`. */
import Type from "typebox";
import { type Fault, fault, type Result } from "../../../core/faults.ts";
import { formatRef, type TenantId } from "../../../core/ids.ts";
import { etagOf } from "../../operations/etag.ts";
import { displayName, etag, id, ref, strict, time } from "../../operations/fields.ts";
import { contrast, grounds, readColor } from "./contrast.ts";

export const collection = "brandings";

export type LogoType = "image/png" | "image/jpeg" | "image/webp";
export type Logo = { readonly octets: Buffer; readonly type: LogoType };

export type Branding = {
  readonly displayName: string | null;
  readonly accentColor: string | null;
  readonly logoType: LogoType | null;
  readonly revision: number;
  readonly createTime: Date | null;
  readonly updateTime: Date | null;
};

export const unwritten: Branding = {
  displayName: null,
  accentColor: null,
  logoType: null,
  revision: 0,
  createTime: null,
  updateTime: null,
};

/** With its base64 it still fits a request's body. */
export const logo_octets_max = 40_000;

export const brandingFields = {
  display_name: Type.Union([displayName, Type.Null()], {
    description: "shown in place of the tenant's own name; null for that",
  }),
  accent_color: Type.Union([Type.String({ pattern: "^#[0-9a-fA-F]{6}$" }), Type.Null()], {
    description:
      "`#rrggbb`, told from the light page by 3:1 (WCAG 2.2 §1.4.11); on the dark page it is lightened as far as it takes",
  }),
  logo: Type.Union([Type.String({ maxLength: 54_000, pattern: "^[A-Za-z0-9+/]+={0,2}$" }), Type.Null()], {
    description: "PNG, JPEG or WebP of at most 40,000 octets, in base64; null removes it",
  }),
} as const;

export const brandingOutput = strict({
  id,
  resource: ref("brandings/{uuid of the tenant}"),
  display_name: brandingFields.display_name,
  accent_color: brandingFields.accent_color,
  logo_type: Type.Union([Type.String(), Type.Null()], {
    description: "the logo's media type; null where there is none",
  }),
  logo_url: Type.Union([Type.String(), Type.Null()], { description: "where the logo is served" }),
  etag,
  create_time: Type.Union([time, Type.Null()]),
  update_time: Type.Union([time, Type.Null()]),
});

/** The revision is in it, so that a new logo is seen at once however long the old one may be kept. */
export const logoUrl = (issuer: string, tenant: TenantId, revision: number): string =>
  `${issuer}/branding/logo?tenant=${tenant}&v=${revision}`;

export const render = (issuer: string, tenant: TenantId, branding: Branding): Type.Static<typeof brandingOutput> => ({
  id: tenant,
  resource: formatRef(collection, tenant),
  display_name: branding.displayName,
  accent_color: branding.accentColor,
  logo_type: branding.logoType,
  logo_url: branding.logoType === null ? null : logoUrl(issuer, tenant, branding.revision),
  etag: etagOf(branding.revision),
  create_time: branding.createTime?.toISOString() ?? null,
  update_time: branding.updateTime?.toISOString() ?? null,
});

/** WCAG 2.2 §1.4.11: what a control is known by must stand out from what is beside it. */
const accentContrastMin = 3;

/** On the light page the colour is shown as it is. On the dark one the pages lighten what is too dark for it, so nothing is refused there. */
export const checkAccent = (text: string): Fault | undefined => {
  const color = readColor(text);
  if (color === undefined) return fault("invalid_argument", `\`accent_color\` is \`${text}\`, and must be \`#rrggbb\``);
  const ratio = contrast(color, grounds.light);
  // Cut, not rounded: 2.99 is less than 3.
  const shown = Math.floor(ratio * 100) / 100;
  return ratio >= accentContrastMin
    ? undefined
    : fault(
        "not_admissible",
        `\`${text}\` has a contrast of ${shown}:1 to the light page, and needs ${accentContrastMin}:1; choose a darker colour`,
        {
          errors: [{ path: "accent_color", message: `has a contrast of ${shown}:1, and needs ${accentContrastMin}:1` }],
        },
      );
};

const signatures: readonly { readonly type: LogoType; readonly is: (octets: Buffer) => boolean }[] = [
  { type: "image/png", is: (octets) => octets.subarray(0, 8).toString("hex") === "89504e470d0a1a0a" },
  { type: "image/jpeg", is: (octets) => octets.subarray(0, 3).toString("hex") === "ffd8ff" },
  {
    type: "image/webp",
    is: (octets) => octets.toString("latin1", 0, 4) === "RIFF" && octets.toString("latin1", 8, 12) === "WEBP",
  },
];

/** What it is says the image itself, never the request. No SVG: it is a document, and may hold scripts. */
export const readLogo = (base64: string): Result<Logo> => {
  const octets = Buffer.from(base64, "base64");
  if (octets.length > logo_octets_max)
    return fault("invalid_argument", `\`logo\` has ${octets.length} octets, and may have ${logo_octets_max}`);
  const type = signatures.find(({ is }) => is(octets))?.type;
  return type === undefined
    ? fault("invalid_argument", "`logo` is no PNG, JPEG or WebP image in base64")
    : { octets, type };
};
