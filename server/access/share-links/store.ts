/** All SQL of share links. */
import { sql } from "kysely";
import { isFault, type Result } from "../../../core/faults.ts";
import {
  type NodeId,
  type PrincipalId,
  type PrincipalKind,
  principalCollections,
  rootNode,
  type ShareLinkId,
  type TenantId,
} from "../../../core/ids.ts";
import { wrong_passwords_max } from "../../authority/lent.ts";
import {
  type Listing,
  type ListRequest,
  listPage,
  type Page,
  type Paging,
} from "../../operations/listing/list-page.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { TreeTables } from "../../tree/store.ts";
import { atOrBelow, type Stretch } from "../at-node-store.ts";
import type { ShareLink } from "./model.ts";

type Tables = TreeTables & {
  share_links: {
    tenant_id: TenantId;
    id: ShareLinkId;
    node_id: NodeId;
    level: string;
    display_name: string;
    hash: Buffer;
    key_id: string;
    password_hash: string | null;
    creator_kind: PrincipalKind;
    creator_id: PrincipalId;
    uses_max: number | null;
    uses: number;
    failures: number;
    create_time: Date;
    expire_time: Date;
    revoke_time: Date | null;
    last_use_time: Date | null;
    revision: number;
  };
};

/** Those of resources that are there: a deleted resource's answer like those that never were. */
const selectLinks = (tx: Tx) =>
  tx
    .kysely<Tables>()
    .selectFrom("share_links")
    .innerJoin("nodes", (join) =>
      join.onRef("nodes.tenant_id", "=", "share_links.tenant_id").onRef("nodes.id", "=", "share_links.node_id"),
    )
    .select([
      "share_links.id",
      "share_links.node_id",
      "nodes.type as node_type",
      "share_links.level",
      "share_links.display_name",
      "share_links.key_id",
      sql<boolean>`share_links.password_hash is not null`.as("has_password"),
      "share_links.creator_kind",
      "share_links.creator_id",
      "share_links.uses_max",
      "share_links.uses",
      "share_links.failures",
      "share_links.create_time",
      "share_links.expire_time",
      "share_links.revoke_time",
      "share_links.last_use_time",
      "share_links.revision",
    ])
    .where("share_links.tenant_id", "=", tx.tenant)
    .where("nodes.state", "<>", "deleted");

type Row = Awaited<ReturnType<ReturnType<typeof selectLinks>["execute"]>>[number];

const linkOf = (row: Row): ShareLink => ({
  id: row.id,
  node: { id: row.node_id, type: row.node_type },
  level: row.level,
  displayName: row.display_name,
  keyId: row.key_id,
  hasPassword: row.has_password,
  creator: { kind: row.creator_kind, id: row.creator_id },
  usesMax: row.uses_max,
  uses: row.uses,
  failures: row.failures,
  createTime: row.create_time,
  expireTime: row.expire_time,
  revokeTime: row.revoke_time,
  lastUseTime: row.last_use_time,
  revision: row.revision,
});

export const findLink = async (tx: Tx, id: ShareLinkId): Promise<ShareLink | undefined> => {
  const row = await selectLinks(tx).where("share_links.id", "=", id).executeTakeFirst();
  return row && linkOf(row);
};

/** A link's state is what its row says now, so the listing is of one moment. */
const listingAt = (places: readonly string[], now: Date) =>
  ({
    fields: {
      parent: { column: "share_links.node_id", type: "ref", collections: places },
      level: { column: "share_links.level", type: "text" },
      display_name: { column: "share_links.display_name", type: "text" },
      creator: { column: "share_links.creator_id", type: "ref", collections: Object.values(principalCollections) },
      key_id: { column: "share_links.key_id", type: "text" },
      state: {
        column: sql<string>`case when share_links.revoke_time is not null then 'revoked' when share_links.expire_time <= ${now} then 'expired'
          when share_links.uses >= share_links.uses_max then 'used_up' when share_links.failures >= ${wrong_passwords_max}::int then 'locked'
          else 'live' end`,
        type: "text",
      },
      create_time: { column: "share_links.create_time", type: "time" },
      expire_time: { column: "share_links.expire_time", type: "time" },
      last_use_time: { column: "share_links.last_use_time", type: "time" },
    },
    order: { time: "share_links.create_time", id: "share_links.id" },
  }) as const satisfies Listing;

export const listLinks = async (
  tx: Tx,
  { below, places }: Stretch,
  now: Date,
  request: ListRequest,
  paging: Paging,
): Promise<Result<Page<ShareLink>>> => {
  const page = await listPage(selectLinks(tx).where(atOrBelow(below)), listingAt(places, now), request, paging);
  return isFault(page) ? page : { ...page, rows: page.rows.map(linkOf) };
};

/** What only its text and its password open. */
export type Locks = { readonly hash: Buffer; readonly passwordHash: string | null };

export const insertLink = async (tx: Tx, link: ShareLink, { hash, passwordHash }: Locks): Promise<void> => {
  await tx
    .kysely<Tables>()
    .insertInto("share_links")
    .values({
      tenant_id: tx.tenant,
      id: link.id,
      node_id: link.node.id,
      level: link.level,
      display_name: link.displayName,
      hash,
      key_id: link.keyId,
      password_hash: passwordHash,
      creator_kind: link.creator.kind,
      creator_id: link.creator.id,
      uses_max: link.usesMax,
      uses: 0,
      failures: 0,
      create_time: link.createTime,
      expire_time: link.expireTime,
      revoke_time: null,
      last_use_time: null,
      revision: link.revision,
    })
    .execute();
};

/** A link that is known by its text, alive or not. */
export type OpenedLink = {
  readonly id: ShareLinkId;
  readonly node: NodeId;
  readonly type: string;
  readonly level: string;
  readonly creator: { readonly kind: PrincipalKind; readonly id: PrincipalId };
  readonly passwordHash: string | null;
  /** Where whoever opens it must be allowed to: the resource, or the lowest perimeter above it that is not suspended or deleted. */
  readonly place: NodeId;
};

type OpenedRow = {
  id: ShareLinkId;
  node_id: NodeId;
  type: string;
  level: string;
  creator_kind: PrincipalKind;
  creator_id: PrincipalId;
  password_hash: string | null;
  place: NodeId | null;
};

export const findByText = async (tx: Tx, hash: Buffer): Promise<OpenedLink | undefined> => {
  const [row] = await tx.query<OpenedRow>(
    "share_links.find_by_text",
    // An order and a limit, so that each row is looked up by what names it, and nothing else can be made of it, however few there are.
    `select l.id, l.node_id, n.type, l.level, l.creator_kind, l.creator_id, l.password_hash,
            n.ancestors[1 + coalesce((select max(step.ordinality) from unnest(n.ancestors) with ordinality as step (id, ordinality)
              where (select above.state from nodes above where above.tenant_id = $1 and above.id = step.id) <> 'active'), 0)] as place
       from (select id, node_id, level, creator_kind, creator_id, password_hash from share_links
              where tenant_id = $1 and hash >= $2 and hash <= $2 order by hash limit 1) l
      cross join lateral (select type, ancestors from nodes where tenant_id = $1 and id = l.node_id limit 1) n`,
    [tx.tenant, hash],
  );
  return (
    row && {
      id: row.id,
      node: row.node_id,
      type: row.type,
      level: row.level,
      creator: { kind: row.creator_kind, id: row.creator_id },
      passwordHash: row.password_hash,
      place: row.place ?? rootNode(tx.tenant),
    }
  );
};

/** What must still be true of the link when it is used. */
type Using = { readonly id: ShareLinkId } & Locks & { readonly now: Date };

const alive = "revoke_time is null and expire_time > $4 and failures < $5 and (uses_max is null or uses < uses_max)";

export type Used = { readonly uses: number; readonly usesMax: number | null; readonly expireTime: Date };

/** Invariant 3: of any number of uses at once, as many are told of it as there were left; the password is the one that was compared. */
export const useLink = async (tx: Tx, { id, hash, passwordHash, now }: Using): Promise<Used | undefined> => {
  const [row] = await tx.query<{ uses: number; uses_max: number | null; expire_time: Date }>(
    "share_links.use",
    `update share_links set uses = uses + 1, failures = 0, last_use_time = $4
      where tenant_id = $1 and id = $2 and hash = $3 and ${alive} and password_hash is not distinct from $6
      returning uses, uses_max, expire_time`,
    [tx.tenant, id, hash, now, wrong_passwords_max, passwordHash],
  );
  return row && { uses: row.uses, usesMax: row.uses_max, expireTime: row.expire_time };
};

/** Counts a wrong password, where one could still have been right. */
export const countWrong = async (tx: Tx, { id, hash, now }: Omit<Using, "passwordHash">): Promise<void> => {
  await tx.query(
    "share_links.count_wrong",
    `update share_links set failures = failures + 1 where tenant_id = $1 and id = $2 and hash = $3 and ${alive}`,
    [tx.tenant, id, hash, now, wrong_passwords_max],
  );
};

/** Ends it if it is still at `revision`: true for the one call that did. */
export const revokeLink = async (tx: Tx, id: ShareLinkId, revision: number, now: Date): Promise<boolean> => {
  const rows = await tx.query(
    "share_links.revoke",
    `update share_links set revoke_time = $4, revision = revision + 1
      where tenant_id = $1 and id = $2 and revision = $3 and revoke_time is null returning id`,
    [tx.tenant, id, revision, now],
  );
  return rows.length === 1;
};

/** Gives it another text, and the password where one is given, if it is still at `revision`; what was wrong before is forgotten. */
export const renewLink = async (
  tx: Tx,
  id: ShareLinkId,
  revision: number,
  {
    hash,
    passwordHash,
    keyId,
    now,
  }: Omit<Locks, "passwordHash"> & {
    readonly passwordHash: string | undefined;
    readonly keyId: string;
    readonly now: Date;
  },
): Promise<boolean> => {
  const rows = await tx.query(
    "share_links.renew",
    `update share_links set hash = $4, key_id = $5, password_hash = coalesce($6, password_hash), failures = 0, revision = revision + 1
      where tenant_id = $1 and id = $2 and revision = $3 and revoke_time is null and expire_time > $7 returning id`,
    [tx.tenant, id, revision, hash, keyId, passwordHash ?? null, now],
  );
  return rows.length === 1;
};
