/**
 * The peer: `oidc-provider` on its own in-memory adapter, nothing stored outside the process and nothing audited. Client
 * credentials give a JWT (ES256) where a resource is named (RFC 8707) and an opaque token where none is; it introspects only the opaque.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";
import { announce } from "../harness/child.ts";

const { privateKey } = await generateKeyPair("ES256", { extractable: true });
const key = { ...(await exportJWK(privateKey)), kid: "bench", alg: "ES256", use: "sig" };

const provider = new Provider("http://localhost", {
  clients: [
    {
      client_id: process.env["BENCH_CLIENT_ID"] ?? "",
      client_secret: process.env["BENCH_CLIENT_SECRET"] ?? "",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: "client_secret_basic",
      id_token_signed_response_alg: "ES256",
    },
  ],
  jwks: { keys: [key] },
  scopes: ["flows:read"],
  ttl: { ClientCredentials: 3600 },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => "",
      getResourceServerInfo: () => ({
        scope: "flows:read",
        accessTokenFormat: "jwt",
        accessTokenTTL: 3600,
        jwt: { sign: { alg: "ES256" } },
      }),
    },
  },
});

const server = createServer(provider.callback()).listen(0, "127.0.0.1");
await once(server, "listening");
announce((server.address() as AddressInfo).port);
