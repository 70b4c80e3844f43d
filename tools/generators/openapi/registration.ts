// Dynamic client registration (RFC 7591, RFC 7592), as the OpenAPI document describes it: the members are the server's own table of them.
import { metadataFields } from "../../../server/clients/fields.ts";
import { type Entry, plain } from "./operations.ts";

const text = (description: string) => ({ type: "string", description });

const metadata = {
  client_name: text("shown to people who are asked for consent"),
  ...Object.fromEntries(Object.entries(metadataFields).map(([name, schema]) => [name, plain(schema)])),
};

const body = (required: readonly string[]) => ({
  required: true,
  content: { "application/json": { schema: { type: "object", required, properties: metadata } } },
});

const registered = {
  "application/json": {
    schema: {
      type: "object",
      required: ["client_id", "registration_access_token", "registration_client_uri"],
      properties: {
        client_id: text("public"),
        client_id_issued_at: { type: "integer", description: "seconds since the epoch" },
        client_secret: text("shown once; where the client has one"),
        client_secret_expires_at: { type: "integer", const: 0 },
        registration_access_token: text("opens this registration, and nothing else (RFC 7592)"),
        registration_client_uri: text("where it is sent to"),
        ...metadata,
      },
    },
  },
};

type RegistrationEntry = Entry & { readonly tags: readonly [string] };

const managing = (verb: string, summary: string, more: Partial<RegistrationEntry> = {}): RegistrationEntry => ({
  operationId: `oauth.registration.${verb}`,
  summary,
  tags: ["oauth"],
  security: [{ bearer: [] }],
  parameters: [{ name: "client_id", in: "query", required: true, schema: { type: "string" } }],
  responses: { 200: { description: "the client", content: registered } },
  ...more,
});

export const registrationEntries: Readonly<Record<string, RegistrationEntry>> = {
  "POST /oauth/register": {
    operationId: "oauth.register",
    summary: "Register a client (RFC 7591)",
    tags: ["oauth"],
    parameters: [
      {
        name: "tenant",
        in: "query",
        description: "a root perimeter's ref; the host without it",
        schema: { type: "string" },
      },
    ],
    requestBody: body(["redirect_uris"]),
    responses: { 201: { description: "the client, and what is shown once", content: registered } },
  },
  "GET /oauth/register": managing("get", "Read a registration (RFC 7592 §2.1)"),
  "PUT /oauth/register": managing("replace", "Replace a registration as a whole (RFC 7592 §2.2)", {
    requestBody: body(["client_id", "redirect_uris"]),
  }),
  "DELETE /oauth/register": managing("delete", "End a registration and all it was given (RFC 7592 §2.3)", {
    responses: { 204: { description: "it is no client any more" } },
  }),
};
