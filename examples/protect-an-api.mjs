// An API behind Countersign. Run it with `node examples/protect-an-api.mjs`; it listens on port 3000.
import { createServer } from "node:http";
import { createRemoteJWKSet, jwtVerify } from "jose";

const { COUNTERSIGN_ISSUER: issuer = "http://localhost:8080", PORT: port = "3000" } = process.env;
const keys = createRemoteJWKSet(new URL(`${issuer}/oauth/jwks`));

const ask = async (token, permission) => {
  const { payload } = await jwtVerify(token, keys, { issuer, audience: issuer, typ: "at+jwt" }); // who is this?
  const subject = { type: "access_token", id: token };
  const resource = { type: "organizations", id: payload.tenant_id };
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const body = JSON.stringify({ subject, action: { name: permission }, resource });
  const answer = await fetch(`${issuer}/access/v1/evaluation`, { method: "POST", headers, body }); // may they?
  if (!answer.ok) throw new Error(`the token was refused with ${answer.status}`);
  return { caller: payload.sub, decision: (await answer.json()).decision === true };
};

createServer(async (request, response) => {
  const token = request.headers.authorization?.replace(/^Bearer /i, "") ?? "";
  const { caller, decision } = await ask(token, "accounts:read").catch(() => ({})); // whatever goes wrong is a no
  const [status, body] = decision
    ? [200, { hello: caller }]
    : caller
      ? [403, { error: "no" }]
      : [401, { error: "who?" }];
  response.writeHead(status, { "content-type": "application/json", "www-authenticate": "Bearer" });
  response.end(JSON.stringify(body));
}).listen(port);
