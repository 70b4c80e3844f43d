/** The SQL of the access model's versions. */
import type { Tx } from "../../platform/database/database.ts";

export type ModelVersion = {
  readonly version: string;
  /** `Model.canonical`, as it was. */
  readonly document: string;
};

/** The version in force; none before the first start. */
export const readActiveModel = async (tx: Tx): Promise<ModelVersion | undefined> =>
  (
    await tx.query<{ version: string; document: string }>(
      "startup.active_model",
      "select version, document from model_versions where active",
      [],
    )
  )[0];

/** Whether a version that was in force may still be started with. */
export const mayStillStart = async (tx: Tx, version: string, now: Date): Promise<boolean> =>
  (
    await tx.query<{ found: number }>(
      "startup.model_may_start",
      "select 1 as found from model_versions where version = $1 and not active and start_until > $2",
      [version, now],
    )
  ).length > 0;

/** Puts the version in force. What was in force until now may be started with until `retireUntil`. */
export const activateModel = async (
  tx: Tx,
  { version, document }: ModelVersion,
  now: Date,
  retireUntil: Date,
): Promise<void> => {
  await tx.query(
    "startup.retire_model",
    "update model_versions set active = false, start_until = $2 where active and version <> $1",
    [version, retireUntil],
  );
  await tx.query(
    "startup.activate_model",
    `insert into model_versions (version, document, create_time, active) values ($1, $2, $3, true)
     on conflict (version) do update set active = true, start_until = null`,
    [version, document, now],
  );
};
