/** Reads one user. */
import { isFault } from "../../../core/faults.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atUser, knownUser } from "./find.ts";
import { render, userOutput } from "./model.ts";

export const getUser = operation({
  name: "users.get",
  summary: "Read a user",
  kind: "read",
  method: "GET",
  path: "/v1/users/{id}",
  status: 200,
  input: strict({ id }),
  output: userOutput,
  permission: "users:read",
  scope: "tenant",
  target: atUser,
  run: async (tx, input, { model }) => {
    const user = await knownUser(tx, input.id);
    return isFault(user) ? user : render(model, user);
  },
});
