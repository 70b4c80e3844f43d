/**
 * The composition root: builds one server process from its settings, and takes it down again. Everything that has a lifetime is opened
 * here, in order, and closed in the opposite order.
 */
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { Registry } from "prom-client";
import { type Fault, fault } from "../core/faults.ts";
import { openAuditAppender } from "./audit/append.ts";
import { openDocumentState } from "./clients/document-state.ts";
import { openRemoteKeys } from "./clients/keys.ts";
import { type Config, listed } from "./config.ts";
import { openLastUsed } from "./credentials/last-used.ts";
import { openPasswordHasher } from "./credentials/passwords/hasher.ts";
import { openRelay } from "./events/relay.ts";
import { redisStream } from "./events/redis-stream.ts";
import { openHousekeeping } from "./housekeeping/sweep.ts";
import { openMailer } from "./mail/mailer.ts";
import { openLogoutNotices } from "./oauth/logout/notices.ts";
import type { Engine } from "./operations/perform.ts";
import { prepare } from "./operations/perform.ts";
import { addressReader, hopsReader } from "./platform/web/address.ts";
import { type Clock, monotonicMs, systemClock } from "./platform/clock.ts";
import { isUnavailable } from "./platform/database/unavailable.ts";
import { openDns } from "./platform/dns.ts";
import { derivedKey } from "./platform/keys/derive.ts";
import { openGrantStatements } from "./oauth/grants/grant-statements.ts";
import { openLimits } from "./platform/limits/limits.ts";
import type { Log } from "./platform/log.ts";
import { type Metrics, openMetrics } from "./platform/metrics.ts";
import { openGuardedFetch } from "./platform/outbound/fetch.ts";
import type { Platform } from "./platform/platform.ts";
import { registerUser } from "./principals/users/register-user.ts";
import { routeTable } from "./route-table.ts";
import type { SignIn } from "./sign-in/needs.ts";
import { loadModel } from "./startup/access-model.ts";
import { loadGatewayRoutes } from "./startup/gateway-routes.ts";
import { openStorage } from "./startup/open-storage.ts";
import { prepareDeployment } from "./startup/prepare-deployment.ts";
import { ping } from "./startup/store.ts";
import { loadSecretKey } from "./startup/secret-key.ts";
import { openSigningKeys } from "./tokens/signing-keys.ts";
import { openVerifier } from "./tokens/standing.ts";
import { proverAtGateways } from "./transport/edge-proof.ts";
import { extAuthzHandlers } from "./transport/grpc/ext-authz.ts";
import { identityHandlers } from "./transport/grpc/identity.ts";
import { extAuthzRoutes, identityRoutes } from "./transport/grpc/routes.ts";
import { type GrpcServer, startGrpc } from "./transport/grpc/server.ts";
import type { Route } from "./transport/http/routes.ts";
import type { HttpObserver } from "./transport/http/observer.ts";
import { buildHttp } from "./transport/http/server.ts";

/** While draining, connections without a request under way are ended this often. */
const idleConnectionsMs = 50;
/** What is closed after the grace takes this long at most. */
const closingMsMax = 3_000;

export type Needs = { readonly config: Config; readonly clock: Clock; readonly log: Log; readonly migrate: boolean };

/** A server that is ready to listen. */
export type Server = {
  readonly platform: Platform;
  readonly engine: Engine;
  readonly routes: readonly Route[];
  readonly registry: Registry;
  readonly http: FastifyInstance;
  /** Opens both ports; `http` and `grpc` tell which they are, where the settings said 0. */
  listen(): Promise<{ readonly http: number; readonly grpc: number }>;
  /** Whether the database answers and the server is not going down. */
  ready(): Promise<boolean>;
  /** Stops taking requests, lets the running ones finish within the grace, and closes everything. */
  drain(graceMs: number): Promise<void>;
};

export const compose = async ({ config, clock, log, migrate }: Needs): Promise<Server> => {
  const loaded = loadModel(config.model);
  const gatewayRoutes = loadGatewayRoutes(config.gatewayRoutes, loaded.model);
  const secretKey = loadSecretKey(config);
  const relay: { kick: () => void } = { kick: () => undefined };
  const outbox: { kick: () => void } = { kick: () => undefined };
  const storage = await openStorage({
    config,
    clock,
    log,
    migrate,
    committed: () => {
      relay.kick();
      outbox.kick();
    },
  });
  const platform: Platform = { database: storage.database, cache: storage.cache, clock, log };
  const { model, setVersion: modelVersion } = loaded;
  const { issuer } = config;

  try {
    await prepareDeployment({ ...platform, secretKey, loaded });
    const keys = await openSigningKeys({ ...platform, secretKey });
    const audit = openAuditAppender(platform.database);
    const lastUsed = openLastUsed(platform);
    const stream = storage.redis === undefined ? {} : { stream: redisStream(storage.redis) };
    const events = openRelay({ ...platform, issuer, ...stream });
    relay.kick = events.kick;
    const { smtpUrl, mailFrom: from, dataDir } = config;
    const mailer = openMailer({ ...platform, secretKey, smtpUrl, from, dataDir, issuer });
    outbox.kick = mailer.kick;
    const housekeeping = openHousekeeping(platform);

    const limits = openLimits({ redis: storage.redis, key: derivedKey(secretKey, "limits") });
    const hasher = openPasswordHasher({ processes: config.workers });
    const engine: Engine = {
      platform,
      model,
      issuer,
      audit,
      pageKey: derivedKey(secretKey, "page tokens"),
      sealKey: secretKey,
      dns: openDns(config.dnsServers),
      limits,
      hashing: hasher,
    };
    const verifier = openVerifier({ platform, model, modelVersion, keys, issuer, used: lastUsed.note });
    const guardedFetch = openGuardedFetch({ allow: config.outboundAllow.split(",") });
    const remoteKeys = openRemoteKeys(guardedFetch, clock);
    const dpopKey = derivedKey(secretKey, "dpop nonces");
    const userCodeKey = derivedKey(secretKey, "user codes");
    const notices = openLogoutNotices({ ...platform, issuer, keys, guardedFetch });
    const statements = openGrantStatements(platform.database);
    const browserKey = derivedKey(secretKey, "known browsers");
    const signIn: SignIn = { platform, model, issuer, hasher, limits, sealKey: secretKey, browserKey };
    const formKey = derivedKey(secretKey, "form tokens");
    const issuing = {
      platform,
      model,
      issuer,
      verifier,
      keys,
      audit,
      guardedFetch,
      remoteKeys,
      documents: openDocumentState(),
      dpopKey,
      limits,
      statements,
      userCodeKey,
    };
    const deciding = {
      platform,
      model,
      modelVersion,
      issuer,
      verifier,
      pageKey: engine.pageKey,
      dpopKey,
      gatewayRoutes,
      clientAt: hopsReader(listed(config.trustedProxies)),
      prove: proverAtGateways({ platform, issuer, dpopKey }),
    };
    const visiting = { ...issuing, engine, signIn, sealKey: secretKey, formKey, userCodeKey };
    const routes = routeTable(issuing, deciding, visiting);
    const registry = new Registry();
    const metrics = openMetrics(registry, loaded.version);
    const state = { draining: false };

    const http = buildHttp({
      engine,
      authentication: { platform, verifier, model, issuer, dpopKey },
      routes,
      log,
      observer: observerOf(config, log, metrics),
      addressOf: addressReader(listed(config.trustedProxies)),
    });
    const handlers = identityHandlers({
      engine,
      deciding,
      issuing,
      signIn,
      registerUser: prepare(model, registerUser),
    });
    const running: { grpc: GrpcServer | undefined } = { grpc: undefined };

    return {
      platform,
      engine,
      routes,
      registry,
      http,
      listen: async () => {
        const address = await http.listen({ host: config.host, port: config.port });
        running.grpc = await startGrpc({
          host: config.host,
          port: config.grpcPort,
          ...tlsOf(config),
          maxConnectionAgeMs: config.grpcMaxConnectionAgeSeconds * 1000,
          maxConnectionAgeGraceMs: config.shutdownGraceSeconds * 1000,
          routes: [...identityRoutes(handlers), ...extAuthzRoutes(extAuthzHandlers(deciding))],
          reflection: true,
          log,
          // grpc-js counts deadlines on the system's clock, whatever a test has made of ours.
          clock: systemClock,
          monotonicMs,
          faultOf: grpcFault,
          observe: metrics.grpc,
        });
        return { http: Number(new URL(address).port), grpc: running.grpc.port };
      },
      ready: async () => {
        if (state.draining) return false;
        await ping(platform.database);
        return true;
      },
      drain: async (graceMs) => {
        state.draining = true;
        await Promise.all([closeWithin(http, graceMs), running.grpc?.drain(graceMs)]);
        keys.close();
        housekeeping.close();
        await Promise.race([hasher.close(), pause(closingMsMax, undefined, { ref: false })]);
        const closing = lastUsed
          .close()
          .then(() => Promise.all([events.close(), mailer.close(), notices.close()]))
          .then(storage.close);
        // A statement that hangs in the database would hold the process for as long as it may run; COMMIT or not, nobody hears of it.
        await Promise.race([closing, pause(closingMsMax, undefined, { ref: false })]);
      },
    };
  } catch (error) {
    await storage.close();
    throw error;
  }
};

/** Every request is counted; a line for each is written only where somebody asked for it. */
const observerOf = (config: Config, log: Log, metrics: Metrics): HttpObserver => {
  if (config.logLevel !== "debug" && config.logLevel !== "trace") return { finished: metrics.http };
  return {
    finished: (route, method, status, seconds, requestId) => {
      metrics.http(route, method, status, seconds);
      log.debug({ request_id: requestId, route, method, status, ms: Math.round(seconds * 1e6) / 1000 }, "request");
    },
  };
};

/**
 * Running requests have the grace to finish; then their connections are cut. A connection that is kept alive is told with its next
 * answer that it ends, and one that had an answer under way is ended after it: a busy client would otherwise stay until the cut.
 */
const closeWithin = async (http: FastifyInstance, graceMs: number): Promise<void> => {
  const { server } = http;
  server.prependListener("request", (_request, response) => response.setHeader("connection", "close"));
  const idle = setInterval(() => server.closeIdleConnections(), idleConnectionsMs);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await http.close();
  clearInterval(idle);
  clearTimeout(cut);
};

const tlsOf = (config: Config) =>
  config.grpcTlsCert === ""
    ? {}
    : {
        tls: {
          cert: readFileSync(config.grpcTlsCert),
          key: readFileSync(config.grpcTlsKey),
          ...(config.grpcClientCa === "" ? {} : { clientCa: readFileSync(config.grpcClientCa) }),
        },
      };

const grpcFault = (thrown: unknown): Fault | undefined =>
  isUnavailable(thrown) ? fault("unavailable", "the server cannot reach its database; ask again") : undefined;
