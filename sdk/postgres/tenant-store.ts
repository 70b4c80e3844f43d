/** The SQL around a service's own: a transaction in which PostgreSQL knows the tenant. */

/** What is used of a client of `pg`, or of anything that looks like one. */
export type Client = { query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }> };
export type PooledClient = Client & { release(error?: Error | boolean): void };
/** The second form is that of `pg`, whose `connect` takes a callback too: without it the compiler would not find its client's type. */
export type Pool<Pooled extends PooledClient> =
  | { connect(): Promise<Pooled> }
  | { connect: { (): Promise<Pooled>; (callback: never): void } };

/** Runs `work` between BEGIN and COMMIT, with the setting local to the transaction; null sets none. */
export const inTransaction = async <Pooled extends PooledClient, T>(
  pool: Pool<Pooled>,
  setting: { readonly name: string; readonly value: string } | null,
  work: (client: Pooled) => Promise<T>,
): Promise<T> => {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query("begin");
    // Local: a client that goes back to the pool takes no tenant along.
    if (setting !== null) await client.query("select set_config($1, $2, true)", [setting.name, setting.value]);
    const value = await work(client);
    const ended = (await client.query("commit")) as { readonly command?: string };
    // PostgreSQL answers a COMMIT of a transaction that has failed with ROLLBACK, and no error.
    if (ended.command === "ROLLBACK") throw new Error("the transaction had failed, and was rolled back");
    return value;
  } catch (error) {
    await client.query("rollback").catch((reason: unknown) => {
      broken = reason instanceof Error ? reason : new Error(String(reason));
    });
    throw error;
  } finally {
    client.release(broken);
  }
};
