// An API behind Countersign. Run it with `node_modules/.bin/node examples/protect-an-api.mjs`; it listens on port 3000.
import { createServer } from "node:http";
import { countersign, route } from "../sdk/countersign.ts"; // "@countersign/sdk", in a project of your own
import { callerOf, routes } from "../sdk/node.ts"; // "@countersign/sdk/node"

const { COUNTERSIGN_ISSUER: issuer = "http://localhost:8080", PORT: port = "3000" } = process.env;
const api = countersign({ issuer, audience: issuer });

const hello = (request, response) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ hello: callerOf(request).subject }));
};
createServer(routes(api, { "GET /": [route({ permission: "accounts:read" }), hello] })).listen(port);
