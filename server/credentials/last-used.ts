/**
 * When API tokens were last used, without a write on the verify path (invariant 6): uses are noted in memory, and written together every
 * few seconds, one statement a tenant.
 *
 * Best effort by design. A process that is killed forgets the last seconds; when more tokens are in use than are kept, the newcomers wait
 * for the next round. Nothing is decided by what is written here.
 */
import type { CredentialId, TenantId } from "../../core/ids.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { Log } from "../platform/log.ts";
import { writeLastUsed } from "./store.ts";

const last_used_flush_seconds = 10;
const last_used_tokens_max = 10_000;

export type LastUsed = {
  /** Called for every accepted use; never waits. */
  note(tenant: TenantId, credential: string): void;
  /** Writes what has been noted so far. Never throws. */
  flush(): Promise<void>;
  /** Writes the rest, and notes no more. */
  close(): Promise<void>;
};

type Uses = Map<TenantId, Map<CredentialId, number>>;
type Needs = { readonly database: Database; readonly clock: Clock; readonly log: Log };

export const openLastUsed = ({ database, clock, log }: Needs): LastUsed => {
  let uses: Uses = new Map();
  let kept = 0;
  let writing = Promise.resolve();
  let closed = false;

  const keep = (tenant: TenantId, credential: CredentialId, at: number): void => {
    let ofTenant = uses.get(tenant);
    const before = ofTenant?.get(credential);
    if (before === undefined) {
      if (kept >= last_used_tokens_max) return;
      kept += 1;
      if (ofTenant === undefined) uses.set(tenant, (ofTenant = new Map()));
    }
    ofTenant?.set(credential, Math.max(before ?? 0, at));
  };

  const write = async (): Promise<void> => {
    const batch = uses;
    uses = new Map();
    kept = 0;
    for (const [tenant, ofTenant] of batch) {
      try {
        await database.transaction(tenant, (tx) => writeLastUsed(tx, ofTenant));
      } catch (error) {
        // Tried again with the next round.
        for (const [credential, at] of ofTenant) keep(tenant, credential, at);
        log.warn({ error: String(error) }, "when API tokens were last used could not be written");
      }
    }
  };

  const flush = (): Promise<void> => (writing = writing.then(write));
  const timer = setInterval(() => void flush(), last_used_flush_seconds * 1000).unref();

  return {
    note: (tenant, credential) => {
      if (!closed) keep(tenant, credential as CredentialId, clock.now());
    },
    flush,
    close: async () => {
      closed = true;
      clearInterval(timer);
      await flush();
    },
  };
};
