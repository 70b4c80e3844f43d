/** Reads one share link. Its text is not to be had any more. */
import { isFault } from "../../../core/faults.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atLink, knownLink } from "./find.ts";
import { linkOutput, render } from "./model.ts";

export const getShareLink = operation({
  name: "share-links.get",
  summary: "Read a share link",
  kind: "read",
  method: "GET",
  path: "/v1/share-links/{id}",
  status: 200,
  input: strict({ id }),
  output: linkOutput,
  permission: "share-links:read",
  scope: "tenant",
  target: atLink,
  run: async (tx, input, { model, now }) => {
    const link = await knownLink(tx, input.id);
    return isFault(link) ? link : render(model, link, now);
  },
});
