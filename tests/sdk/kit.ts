/** A small service on each framework the SDK has an adapter for, over real HTTP, so that one test says what all of them must do. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import type { Caller } from "../../sdk/caller.ts";
import { type Countersign, type Policy, route } from "../../sdk/countersign.ts";
import * as onExpress from "../../sdk/express.ts";
import * as onFastify from "../../sdk/fastify.ts";
import * as onHono from "../../sdk/hono.ts";
import * as onNode from "../../sdk/node.ts";
import { startTestIssuer, type TestIssuer, type TestIssuerOptions } from "../../sdk/testing.ts";

export type Service = { readonly url: string; close(): Promise<void> };

/** A route that answers with who called it; `null` on a public one. */
export type Route = { readonly method: "get" | "post" | "options"; readonly path: string; readonly policy: Policy };

export type Adapter = (api: Countersign, routes: readonly Route[]) => Promise<Service>;

const said = (caller: Caller | null | undefined): string => JSON.stringify({ caller: caller ?? null });

export const listening = async (server: Server): Promise<Service> => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

export const listenerOf = (listener: RequestListener): Promise<Service> => listening(createServer(listener));

const isPublic = (policy: Policy): boolean => "public" in policy;

export const adapters: Readonly<Record<string, Adapter>> = {
  fastify: async (api, routes) => {
    const app = fastify({ forceCloseConnections: true });
    await app.register(onFastify.countersignPlugin, { api });
    for (const { method, path, policy } of routes)
      app[method](path, { config: { policy } }, async (request, reply) => {
        reply.type("application/json");
        return said(isPublic(policy) ? request.caller : onFastify.callerOf(request));
      });
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    return { url, close: () => app.close() };
  },
  express: async (api, routes) => {
    const app = express();
    const guard = onExpress.protect(app, api);
    app.use(onExpress.middleware("parses JSON, and answers nobody", express.json()));
    for (const { method, path, policy } of routes)
      app[method](path, guard(policy), (request, response) => {
        response.type("application/json").send(said(isPublic(policy) ? request.caller : onExpress.callerOf(request)));
      });
    return listenerOf(app);
  },
  hono: async (api, routes) => {
    const app = new Hono();
    const guard = onHono.protect(app, api);
    for (const { method, path, policy } of routes)
      app[method](path, guard(policy), (c) =>
        c.body(said(isPublic(policy) ? c.get("caller") : onHono.callerOf(c)), 200, {
          "content-type": "application/json",
        }),
      );
    return listening(createAdaptorServer({ fetch: onHono.assertPolicies(app).fetch }) as Server);
  },
  node: async (api, routes) =>
    listenerOf(
      onNode.routes(
        api,
        Object.fromEntries(
          routes.map(({ method, path, policy }) => [
            `${method.toUpperCase()} ${path}`,
            [
              policy,
              (request, response) => {
                response.writeHead(200, { "content-type": "application/json" });
                response.end(said(isPublic(policy) ? null : onNode.callerOf(request)));
              },
            ] as const,
          ]),
        ),
      ),
    ),
};

/** An issuer for one test; closed with it. */
export const issuerFor = async (
  t: { after(work: () => Promise<void>): void },
  options?: TestIssuerOptions,
): Promise<TestIssuer> => {
  const issuer = await startTestIssuer(options);
  t.after(() => issuer.close());
  return issuer;
};

export const audience = "https://files.example.com/api";
export const file = "files/5f0c2f52-6a3e-4c9b-9a3f-0d1f1a2b3c4d";
export const fileId = file.slice("files/".length);
export const acme = "11111111-1111-4111-8111-111111111111";
export const globex = "22222222-2222-4222-8222-222222222222";

/** The routes most tests want. */
export const usual: readonly Route[] = [
  { method: "get", path: "/health", policy: route({ public: "a load balancer asks" }) },
  { method: "get", path: "/me", policy: route({ authenticated: "everybody may know who they are" }) },
  {
    method: "get",
    path: "/files/:id",
    policy: route({ permission: "files:read", resource: ({ params }) => `files/${params["id"]}` }),
  },
  {
    method: "post",
    path: "/files",
    policy: route({
      permission: "files:write",
      resource: async (request) => ((await request.json()) as { readonly parent: string }).parent,
    }),
  },
];

/** Silences what the SDK tells an operator, and keeps it. */
export const heard = () => {
  const lines: string[] = [];
  return {
    lines,
    platform: {
      report: (message: string) => void lines.push(message),
      note: (line: string) => void lines.push(line),
    },
  };
};
