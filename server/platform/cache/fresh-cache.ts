// What a cache must promise before an answer about authority may come from it: that nothing read after a publish has
// returned is older than the change that was published. `redis-cache.ts` and `memory-cache.ts` keep the promise.

declare const brand: unique symbol;

/**
 * Names something whose change makes cached answers worthless: a tenant (roles, tree moves, suspension), or one
 * principal of it (assignments, grants, membership). The braces are a cluster hash tag: what must meet, meets.
 */
export type VersionKey = string & { readonly [brand]: "version" };

/** `{tenant}:v` */
export const tenantVersion = (tenant: string): VersionKey => `{${tenant}}:v` as VersionKey;

/** `{tenant}:p:principal` */
export const principalVersion = (tenant: string, principal: string): VersionKey =>
  `{${tenant}}:p:${principal}` as VersionKey;

/** One cached answer wanted: its key, beginning with the same `{tenant}` tag as its versions, and all it depends on. */
export type Probe = {
  readonly key: string;
  readonly versions: readonly VersionKey[];
  /** A hit may turn out not to do, as an answer that is fresh and older than was asked for: then it comes with a lease too. */
  readonly replaceable?: true;
};

declare const leaseBrand: unique symbol;

/**
 * The right to store one answer, for as long as the versions seen before the database was read still stand. Where one of them did
 * not exist there is nothing to store under, and it is only the right to make that one.
 */
export type Lease = { readonly [leaseBrand]: "lease" };

/** A hit has a payload. A miss has none, and a lease when what the database answers may be kept. */
export type Reading =
  | { readonly payload: string; readonly lease?: Lease | undefined }
  | { readonly payload: undefined; readonly lease: Lease | undefined };

export type FreshCache = {
  /**
   * Answers every probe, in order, in one cache round trip, and writes nothing: nobody has vouched yet for what is asked.
   * A miss without a lease (fenced, or the cache unreachable) means: ask the database and keep nothing. Never throws.
   */
  read(probes: readonly Probe[]): Promise<readonly Reading[]>;
  /**
   * Stores an answer under the versions its lease saw, if they still stand; where the lease saw one missing, makes that
   * version and stores nothing, and the next answer is the first one kept. To be called with what the database was found
   * to hold, never for what a stranger made up. `ttlMs` beyond 30,000 is taken as 30,000, below 1 as nothing to store.
   * Never throws: what could not be stored is read again.
   */
  fill(lease: Lease, payload: string, ttlMs: number): Promise<void>;
  /** Before COMMIT: readers bypass the cache and fill nothing. Best effort when the cache is unreachable. Never throws. */
  fence(keys: readonly VersionKey[]): Promise<void>;
  /**
   * After COMMIT, before the answer returns. Resolves when the cache has acknowledged new versions, or when 30 s have
   * passed since the call (every entry filled before has died by then), and never before either. Never throws.
   */
  publish(keys: readonly VersionKey[]): Promise<void>;
  close(): Promise<void>;
};
