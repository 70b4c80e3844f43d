/** An example as a process of its own, beside a deployment on the access model it was written for. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { hostTenant } from "../../core/ids.ts";
import { type Client, type Deployment, startDeployment } from "../oauth/deployment.ts";
import { type Answer, basic, bearer, send } from "../oauth/http.ts";
import { root } from "../readme/page.ts";
import { freePort } from "../support/redis.ts";

export type Someone = Client & { readonly ref: string };

export type Running = {
  readonly deployment: Deployment;
  readonly url: string;
  /** A tenant of the model's root type. */
  tenant(): Promise<{ readonly id: string; readonly ref: string; member(role?: string): Promise<Someone> }>;
  /** A token for the example, and for what else is named. */
  token(client: Client, ...more: readonly string[]): Promise<string>;
  request(
    method: string,
    path: string,
    token?: string,
    body?: object,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /** What it has written so far. */
  output(): string;
  close(): Promise<void>;
};

const audience = "https://example.example.com";
const host = `host/${hostTenant}`;
const answeredWithinMs = 60_000;
const pollMs = 50;

/** `permissions` are those of the example's own service account, at the host. */
export const startExample = async (
  file: string,
  model: string,
  tenants: string,
  permissions: readonly string[],
): Promise<Running> => {
  const deployment = await startDeployment({ env: { COUNTERSIGN_MODEL: join(root, model) } });
  const does = async (path: string, body: object, tenant: string): Promise<Readonly<Record<string, string>>> => {
    const answer = await deployment.post(path, deployment.host, body, 0, {
      "countersign-tenant": tenant === host ? "host" : tenant,
    });
    assert.ok(answer.status === 200 || answer.status === 201, `${path} answered ${answer.status}: ${answer.text}`);
    return answer.json();
  };
  const account = async (tenant: string, role?: string): Promise<Someone> => {
    const made = await does("/v1/service-accounts", { parent: tenant, display_name: "Somebody" }, tenant);
    const { resource: ref = "", client_id = "", client_secret = "" } = made;
    if (role !== undefined) await does("/v1/role-assignments", { parent: tenant, principal: ref, role }, tenant);
    return { ref, client_id, client_secret };
  };
  const role = await does("/v1/roles", { display_name: "Service", permissions }, host);
  const service = await account(host, role["resource"]);

  const port = await freePort();
  const child = spawn(process.execPath, [join(root, file)], {
    cwd: root,
    env: {
      ...process.env,
      COUNTERSIGN_ISSUER: deployment.issuer,
      AUDIENCE: audience,
      CLIENT_ID: service.client_id,
      CLIENT_SECRET: service.client_secret,
      PORT: String(port),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => void (said += text));
  const url = `http://localhost:${port}`;
  const close = async (): Promise<void> => {
    child.kill("SIGKILL");
    await deployment.close();
  };
  const answers = async (): Promise<boolean> =>
    send(url).then(
      () => true,
      () => false,
    );
  for (const deadline = Date.now() + answeredWithinMs; !(await answers()); await pause(pollMs))
    if (child.exitCode !== null || Date.now() > deadline) {
      await close();
      assert.fail(`${file} does not answer: ${said}`);
    }

  return {
    deployment,
    url,
    tenant: async () => {
      const answer = await deployment.post(`/v1/${tenants}`, deployment.host, { display_name: "A tenant" });
      const { id = "", resource: ref = "" } = answer.json<Record<string, string>>();
      return { id, ref, member: (named) => account(ref, named) };
    },
    token: async ({ client_id, client_secret }, ...more) => {
      const fields = { grant_type: "client_credentials", resource: [audience, ...more] };
      const answer = await deployment.form("/oauth/token", fields, basic(client_id, client_secret));
      assert.equal(answer.status, 200, answer.text);
      return answer.json<{ access_token: string }>().access_token;
    },
    request: (method, path, token, body, headers = {}) =>
      send(url + path, {
        method,
        headers: {
          ...(token === undefined ? {} : bearer(token)),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    output: () => said,
    close,
  };
};
