/** What every list takes besides its filter, and what it answers: `items`, and the token of the next page. */
import Type from "typebox";
import { isFault, type Result } from "../../../core/faults.ts";
import { type NodeId, parseRef } from "../../../core/ids.ts";
import type { Tx } from "../../platform/database/database.ts";
import { ref, strict } from "../fields.ts";
import type { OperationContext } from "../operation.ts";
import { listInput, type Page, type Paging } from "./list-page.ts";

/** The input of a list that can be asked of one perimeter and what is below it. */
export const listInputBelow = {
  ...listInput,
  parent: Type.Optional(ref("list what is in this perimeter or below it; the whole tenant without it")),
} as const;

export const pageOutput = <Item extends Type.TSchema>(item: Item) =>
  strict({ items: Type.Array(item), next_page_token: Type.String({ description: "empty on the last page" }) });

/** The node a list was narrowed to. */
export const below = ({ parent }: { readonly parent?: string }): NodeId | undefined =>
  parent === undefined ? undefined : (parseRef(parent)?.id as NodeId | undefined);

/** Binds page tokens to the tenant, the collection and the perimeter listed. */
export const pagingOf = (
  tx: Tx,
  { pageKey }: OperationContext,
  collection: string,
  { parent }: { readonly parent?: string } = {},
): Paging => ({ pageKey, query: [tx.tenant, collection, parent ?? ""].join(" ") });

export const rendered = <Row, Item>(page: Result<Page<Row>>, render: (row: Row) => Item) =>
  isFault(page) ? page : { items: page.rows.map(render), next_page_token: page.next_page_token };
