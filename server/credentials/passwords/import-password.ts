/**
 * Gives a human the password they had elsewhere, by its hash: for moving in. A password that is there already is never replaced, so this
 * takes nothing away from anybody, and two imports at once leave one. The next sign-in replaces the hash by ours.
 */
import Type from "typebox";
import { fault, isFault } from "../../../core/faults.ts";
import { formatRef } from "../../../core/ids.ts";
import { id, ref, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atUser, knownUser } from "../../principals/users/find.ts";
import { collection } from "../../principals/users/model.ts";
import { beyondActingAs, notManagedHere } from "../find-human.ts";
import { importedHash } from "./imported-hash.ts";
import { insertPassword } from "./store.ts";
import { stored_hash_length_max } from "./stored-hash.ts";

export const importPassword = operation({
  name: "users.importPassword",
  summary: "Give a user the password they had elsewhere, by its hash",
  kind: "change",
  method: "POST",
  path: "/v1/users/{id}:importPassword",
  status: 200,
  input: strict({
    id,
    password_hash: Type.String({
      minLength: 1,
      maxLength: stored_hash_length_max,
      description:
        "argon2, bcrypt, scrypt or PBKDF2, as PHC string, as bcrypt writes it, or as Django, Werkzeug or Spring do",
    }),
  }),
  output: strict({ id, resource: ref("users/{uuid}") }),
  permission: "users:reset",
  scope: "tenant",
  target: atUser,
  event: (user) => ({ type: "user.password-imported", subject: user.resource, data: {} }),
  run: async (tx, input, context) => {
    const user = await knownUser(tx, input.id);
    if (isFault(user)) return user;
    const refused = notManagedHere(user) ?? (await beyondActingAs(tx, user, context));
    if (refused !== undefined) return refused;
    const imported = importedHash(input.password_hash);
    if (isFault(imported))
      return {
        ...imported,
        errors: [{ path: "password_hash", message: imported.detail.replace("the password hash ", "") }],
      };
    return (await insertPassword(tx, user.id, imported.stored, context.now))
      ? { id: user.id, resource: formatRef(collection, user.id) }
      : fault("already_exists", "the user has a password already");
  },
});
