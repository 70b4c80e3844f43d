/** Our server, as the protocol file sees it: applications made through the API, a human signed in through the forms. */
import { openBrowser } from "../support/browser.ts";
import { newHuman, signIn } from "../support/human.ts";
import { startDeployment } from "../oauth/deployment.ts";
import { send } from "../oauth/http.ts";
import { callback, type Contender, newProof, request } from "./contender.ts";

export const startCountersign = async (): Promise<Contender> => {
  const deployment = await startDeployment();
  const tenant = await deployment.tenant();
  const scope = "accounts:read";
  const application = async (display_name: string, token_endpoint_auth_method: string) => {
    const made = await tenant.does("/v1/applications", {
      parent: tenant.ref,
      display_name,
      redirect_uris: [callback],
      grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
      token_endpoint_auth_method,
      id_token_signed_response_alg: "ES256",
      scope: `openid offline_access ${scope}`,
    });
    return { id: String(made["client_id"]), secret: String(made["client_secret"]) };
  };
  const clients = {
    web: await application("Web", "client_secret_basic"),
    other: await application("Other", "client_secret_basic"),
    app: await application("App", "none"),
  };
  const human = await signIn(deployment, await newHuman(tenant, { role: "owner" }));
  const contender: Contender = {
    name: "countersign",
    issuer: deployment.issuer,
    metadata: (await send(`${deployment.base()}/.well-known/openid-configuration`)).json(),
    ...clients,
    redirectUri: callback,
    scope,
    stranger: () => openBrowser(deployment.issuer, deployment.base()),
    human,
    consented: async (page) => (/\/consent\?/.test(page.url) ? human.submit({ decision: "allow" }, "/consent") : page),
    stop: deployment.close,
  };
  for (const { id } of Object.values(clients)) {
    const asked = { client_id: id, scope: `openid offline_access ${scope}`, prompt: "consent" };
    const page = await contender.consented(await human.get(request(contender, newProof().challenge, asked)));
    if (page.leftFor === undefined)
      throw new Error(`no consent could be given: ${page.url} ${page.text.slice(0, 2_000)}`);
  }
  return contender;
};
