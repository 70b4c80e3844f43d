/** Changes a user's name. The e-mail address is changed by whoever can prove to have the new one. */
import Type from "typebox";
import { isFault } from "../../../core/faults.ts";
import { expectRevision, overtaken } from "../../operations/etag.ts";
import { displayName, id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { masked, updateMask } from "../../operations/update-mask.ts";
import { atUser, knownUser } from "./find.ts";
import { render, userOutput } from "./model.ts";
import { updateUser } from "./store.ts";

export const patchUser = operation({
  name: "users.update",
  summary: "Change a user",
  kind: "change",
  method: "PATCH",
  path: "/v1/users/{id}",
  status: 200,
  input: strict({ id, update_mask: updateMask, display_name: Type.Optional(displayName) }),
  output: userOutput,
  permission: "users:update",
  scope: "tenant",
  target: atUser,
  event: (user) => ({ type: "user.updated", subject: user.resource, data: { parent: user.parent, etag: user.etag } }),
  run: async (tx, input, { model, now, ifMatch }) => {
    const user = await knownUser(tx, input.id);
    if (isFault(user)) return user;
    const change = masked(input, ["display_name"]);
    if (isFault(change)) return change;
    const expected = expectRevision(ifMatch, user.revision, "optional");
    if (isFault(expected)) return expected;
    if (!(await updateUser(tx, user.id, expected.revision, change, new Date(now)))) return overtaken();
    const after = await knownUser(tx, input.id);
    return isFault(after) ? after : render(model, after);
  },
});
