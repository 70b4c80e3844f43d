/** The most passwords this core can check: argon2id with our parameters, as many at once as our server allows itself, and nothing else. */
import { openPasswordHasher } from "../../server/credentials/passwords/hasher.ts";
import { serveLoop } from "../harness/looping.ts";
import { isFault } from "../../core/faults.ts";

const hasher = openPasswordHasher();
const password = "correct horse battery staple";
const stored = await hasher.hash(password);
if (isFault(stored)) throw new Error(stored.detail);

serveLoop(4, async () => {
  const verified = await hasher.verify(stored, password);
  if (isFault(verified) || !verified.matches) throw new Error("the password is not the one");
});
