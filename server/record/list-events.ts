/**
 * Reads a tenant's events from a cursor on, oldest first: what a consumer polls who has no webhook and no stream.
 *
 * The cursor is the `sequence` of the last event read. Events come in the order of their positions, which are given out after commit, so
 * none ever turns up behind a cursor.
 */
import Type from "typebox";
import { cloudEvent } from "../events/model.ts";
import { tenantEventsAfter } from "../events/store.ts";
import { id, strict, time } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { atTenant } from "../operations/targets.ts";

const page_size_default = 100;
const page_size_max = 1_000;

const sequence = "^[0-9]{1,15}$";
const beginning = "0";

const eventOutput = strict({
  specversion: Type.Literal("1.0"),
  id,
  source: Type.String({ description: "the issuer" }),
  type: Type.String({ description: "such as countersign.user.created.v1" }),
  subject: Type.String({ description: "ref of what it happened to" }),
  time,
  datacontenttype: Type.Literal("application/json"),
  tenantid: Type.String(),
  sequence: Type.String({ pattern: sequence, description: "its place among all events" }),
  data: Type.Unknown(),
});

export const listEvents = operation({
  name: "events.list",
  summary: "Read events after a cursor, oldest first",
  kind: "read",
  method: "GET",
  path: "/v1/events",
  status: 200,
  input: strict({
    cursor: Type.Optional(
      Type.String({
        pattern: sequence,
        description: "the `next_cursor` of the answer before; from the beginning without",
      }),
    ),
    page_size: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: page_size_max,
        default: page_size_default,
        description: "How many events the answer holds at most.",
      }),
    ),
  }),
  output: strict({
    events: Type.Array(eventOutput),
    next_cursor: Type.String({ description: "always there: send it when you ask again" }),
  }),
  permission: "events:read",
  scope: "tenant",
  target: atTenant("events"),
  run: async (tx, input, { issuer }) => {
    const cursor = input.cursor ?? beginning;
    const placed = await tenantEventsAfter(tx, Number(cursor), input.page_size ?? page_size_default);
    const events = placed.map((event) => cloudEvent(issuer, event));
    return { events, next_cursor: events.at(-1)?.sequence ?? cursor };
  },
});
