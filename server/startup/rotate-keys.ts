/** Makes the next signing key of one algorithm before its time, for an operator who asks at a terminal, and says so in the host's log. */
import { unattributed } from "../../core/attribution.ts";
import { hostTenant } from "../../core/ids.ts";
import { appendInTransaction } from "../audit/store.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { SecretKey } from "../platform/keys/seal.ts";
import type { Log } from "../platform/log.ts";
import { newId } from "../platform/random.ts";
import { openSigningKeys, type SigningAlg, signingAlgs, type SigningKey } from "../tokens/signing-keys.ts";

/** Whose keys can be rotated. */
export const rotatedAlgs: readonly string[] = signingAlgs;

type Needs = { readonly database: Database; readonly secretKey: SecretKey; readonly clock: Clock; readonly log: Log };

export type Rotated = {
  readonly alg: SigningAlg;
  readonly kid: string;
  /** Ms since the epoch. */
  readonly signFrom: number;
  /** False where the next key was waiting already. */
  readonly made: boolean;
};

export const rotateKeys = async (needs: Needs, alg: SigningAlg): Promise<Rotated> => {
  const keys = await openSigningKeys(needs);
  try {
    // Keys are published in the order in which they begin to sign.
    const newest = (): SigningKey | undefined => {
      const last = keys.keySet().keys.findLast((one) => one.alg === alg);
      return last?.kid === undefined ? undefined : keys.find(last.kid);
    };
    const before = newest();
    await keys.rotate(alg);
    const key = newest();
    if (key === undefined) throw new Error(`there is no ${alg} key`);
    const { kid, signFrom } = key;
    const made = kid !== before?.kid;
    if (made) await record(needs, { alg, kid, signs_from: new Date(signFrom).toISOString() });
    return { alg, kid, signFrom, made };
  } finally {
    keys.close();
  }
};

const record = ({ database, clock }: Needs, detail: Readonly<Record<string, string>>): Promise<void> =>
  database.hostTransaction((tx) =>
    appendInTransaction(tx, {
      tenant: hostTenant,
      id: newId(),
      time: clock.now(),
      action: "host.rotate-keys",
      outcome: "done",
      attribution: unattributed,
      target: null,
      targetPath: null,
      permission: null,
      bypass: false,
      because: { rule: "operator" },
      detail,
    }),
  );
