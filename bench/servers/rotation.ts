/** The rotation's own statement through `pg` and nothing else: no HTTP, no client, no signature. Each lane goes on with the token it got. */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import pg from "pg";
import { serveLoop } from "../harness/looping.ts";

type Lane = { readonly home: string; readonly tenant: string; readonly application: string; hash: string };
const lanes = JSON.parse(process.env["BENCH_LANES"] ?? "[]") as Lane[];
const pool = new pg.Pool({ connectionString: process.env["BENCH_DATABASE_URL"], max: 10 });

const text = `select rotate_refresh_token($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16::jsonb, $17) as rotated`;

serveLoop(lanes.length, async (nth) => {
  const lane = lanes[nth];
  if (lane === undefined) throw new Error("no such lane");
  const next = createHash("sha256").update(randomBytes(32)).digest();
  const now = Date.now();
  const { rows } = await pool.query<{ rotated: { error?: string } }>({
    name: "rotate",
    text,
    values: [
      lane.home,
      Buffer.from(lane.hash, "hex"),
      lane.tenant,
      lane.application,
      null,
      true,
      new Date(now),
      randomUUID(),
      next,
      new Date(now + 86_400_000),
      randomUUID(),
      null,
      new Date(now + 900_000),
      null,
      null,
      null,
      "bench",
    ],
  });
  if (rows[0]?.rotated.error !== undefined) throw new Error(`the rotation was refused: ${rows[0].rotated.error}`);
  lane.hash = next.toString("hex");
});
