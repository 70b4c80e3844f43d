/** Changes a tenant's face. What could not be read on our pages is refused here, not found out there. */
import Type from "typebox";
import { isFault } from "../../../core/faults.ts";
import { expectRevision, overtaken } from "../../operations/etag.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { masked, updateMask } from "../../operations/update-mask.ts";
import { atItsRoot, theTenant } from "../of-tenant.ts";
import { brandingFields, brandingOutput, checkAccent, collection, readLogo, render, unwritten } from "./model.ts";
import { findBranding, writeBranding } from "./store.ts";

const writable = ["display_name", "accent_color", "logo"] as const;

export const updateBranding = operation({
  name: "brandings.update",
  summary: "Change a tenant's name, colour and logo as its people see them",
  kind: "change",
  method: "PATCH",
  path: "/v1/brandings/{id}",
  status: 200,
  input: strict({ id, update_mask: updateMask, ...Type.Partial(Type.Object(brandingFields)).properties }),
  output: brandingOutput,
  permission: "brandings:update",
  scope: theTenant,
  target: atItsRoot(collection),
  event: (branding) => ({
    type: "branding.updated",
    subject: branding.resource,
    data: {
      display_name: branding.display_name,
      accent_color: branding.accent_color,
      logo_type: branding.logo_type,
      etag: branding.etag,
    },
  }),
  run: async (tx, input, { now, ifMatch, issuer }) => {
    const change = masked(input, writable);
    if (isFault(change)) return change;
    const stored = (await findBranding(tx)) ?? unwritten;
    const expected = expectRevision(ifMatch, stored.revision, "required");
    if (isFault(expected)) return expected;
    const refused = typeof change.accent_color === "string" ? checkAccent(change.accent_color) : undefined;
    if (refused !== undefined) return refused;
    const logo = typeof change.logo === "string" ? readLogo(change.logo) : change.logo;
    if (isFault(logo)) return logo;

    const after = {
      displayName: change.display_name === undefined ? stored.displayName : change.display_name,
      accentColor: change.accent_color === undefined ? stored.accentColor : change.accent_color,
      logo,
    };
    const written = await writeBranding(tx, after, expected.revision, new Date(now));
    return written === undefined ? overtaken() : render(issuer, tx.tenant, written);
  },
});
