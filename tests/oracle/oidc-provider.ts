/** The oracle: `oidc-provider`, which has passed the OpenID Foundation's certification, configured as strictly as we are. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";
import { freePort } from "../support/redis.ts";
import { type Browser, openBrowser } from "../support/browser.ts";
import { send } from "../oauth/http.ts";
import { callback, type Contender, newProof, request } from "./contender.ts";

const secret = "a-secret-that-is-long-enough-for-anybody";
const client = (client_id: string, more: object = {}) => ({
  client_id,
  client_secret: secret,
  grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
  redirect_uris: [callback],
  response_types: ["code"] as "code"[],
  token_endpoint_auth_method: "client_secret_basic",
  id_token_signed_response_alg: "ES256",
  ...more,
});

export const startOidcProvider = async (): Promise<Contender> => {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const key = { ...(await exportJWK(privateKey)), kid: "oracle", alg: "ES256", use: "sig" };
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const provider = new Provider(issuer, {
    clients: [
      client("web"),
      client("other"),
      client("app", { client_secret: undefined, token_endpoint_auth_method: "none" }),
    ],
    jwks: { keys: [key] },
    cookies: { keys: ["oracle"] },
    scopes: ["openid", "offline_access", "api"],
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      deviceFlow: { enabled: true },
      dPoP: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
  });
  const server = createServer(provider.callback()).listen(port, "localhost");
  await once(server, "listening");
  const bound = server.address() as AddressInfo;
  const reach = `http://${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${port}`;

  const metadata = (await send(`${issuer}/.well-known/openid-configuration`)).json();
  const human = openBrowser(issuer, reach);
  const contender: Contender = {
    name: "oidc-provider",
    issuer,
    metadata,
    web: { id: "web", secret },
    other: { id: "other", secret },
    app: { id: "app" },
    redirectUri: callback,
    scope: "api",
    stranger: () => openBrowser(issuer, reach),
    human,
    consented: async (page) => (page.text.includes('value="consent"') ? human.submit({ prompt: "consent" }) : page),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  for (const id of ["web", "other", "app"]) await consentTo(contender, human, id);
  return contender;
};

/** Through the oracle's own forms, which take any name and any password. */
const consentTo = async (contender: Contender, human: Browser, clientId: string): Promise<void> => {
  const { challenge } = newProof();
  const asked = { client_id: clientId, scope: `openid offline_access ${contender.scope}`, prompt: "consent" };
  let page = await human.get(request(contender, challenge, asked));
  if (page.text.includes('name="login"')) page = await human.submit({ login: "ada", password: "x" });
  if (page.leftFor === undefined) page = await human.submit({ prompt: "consent" });
  if (page.leftFor === undefined) throw new Error(`the oracle gave no consent: ${page.text.slice(0, 1_000)}`);
};
