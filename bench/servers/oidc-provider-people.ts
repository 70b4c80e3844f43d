/**
 * The peer where people sign in: `oidc-provider` in memory. One client with a secret, refresh tokens that rotate, ID
 * tokens and access tokens (JWT, for a named resource) signed with ES256, as ours are. Who has signed in and consented once is asked no
 * more: the code flow is then one redirect and one token request, as ours is.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";
import { announce } from "../harness/child.ts";
import { memoryAdapter } from "./memory-adapter.ts";

const { privateKey } = await generateKeyPair("ES256", { extractable: true });
const key = { ...(await exportJWK(privateKey)), kid: "bench", alg: "ES256", use: "sig" };
const resource = "http://localhost:8080";

const provider = new Provider("http://localhost", {
  clients: [
    {
      client_id: process.env["BENCH_CLIENT_ID"] ?? "",
      client_secret: process.env["BENCH_CLIENT_SECRET"] ?? "",
      grant_types: ["authorization_code", "refresh_token"],
      redirect_uris: ["http://localhost/callback"],
      response_types: ["code"],
      token_endpoint_auth_method: "client_secret_basic",
      id_token_signed_response_alg: "ES256",
    },
  ],
  jwks: { keys: [key] },
  cookies: { keys: ["bench"] },
  adapter: memoryAdapter,
  scopes: ["openid", "offline_access", "flows:read"],
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  ttl: { AccessToken: 3600, RefreshToken: 86_400, Session: 86_400, Grant: 86_400, IdToken: 3600 },
  features: {
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
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
