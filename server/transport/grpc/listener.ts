/**
 * The port: plain TCP, or TLS that may ask for client certificates. Sockets that are through are handed to grpc-js, which speaks HTTP/2 on
 * them. We listen ourselves rather than let grpc-js do it, because it knows only "no client certificates" and "required of everybody":
 * here a caller may come with a certificate *or* with a token, and a certificate that does not verify is refused, not ignored.
 * Workers of node:cluster share the port as with any net.Server.
 */
import type { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { Log } from "../../platform/log.ts";
import { describeCertificate, type PeerCertificate } from "./peer-certificate.ts";

/** PEM, each. With `clientCa`, certificates are asked of clients and verified against it. */
export type GrpcTls = {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly clientCa?: string | Buffer;
  /** Whether a client without a certificate is turned away (`required`) or may still come with a token (`asked`, the default). */
  readonly clientCertificate?: "asked" | "required";
};

/** The verified certificates of the connections that are open, by their `address:port`. */
export type Certificates = Map<string, PeerCertificate>;

export type Listener = {
  readonly port: number;
  /** Refuses new connections; resolves when the last one that was open has closed. */
  close(): Promise<void>;
  /** Cuts every connection. */
  cut(): void;
};

const tls_handshake_ms_max = 10_000;
const connections_max = 10_000;

/** Opens the port (0: any free one) and keeps `certificates` up to date. Rejects with a sentence that names the address when it cannot. */
export const openListener = async (
  { host, port, tls, log }: { host: string; port: number; tls: GrpcTls | undefined; log: Log },
  certificates: Certificates,
  accept: (socket: Socket) => void,
): Promise<Listener> => {
  let closed: Promise<unknown> | undefined;
  // A handshake that ends after `close` would bring a connection nobody asks to go.
  const admit = (socket: Socket): unknown => (closed === undefined ? accept(socket) : socket.destroy());
  const server = tls === undefined ? createServer({ noDelay: true }, admit) : listenTls(tls, certificates, log, admit);
  server.maxConnections = connections_max;

  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });

  server.listen({ host, port });
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new Error(`cannot listen for gRPC on \`${host}:${port}\`: ${reasonOf(cause)}`, { cause });
  }
  server.on("error", (err) => log.error({ err }, "the gRPC port failed"));

  return {
    port: portOf(server),
    close: async () => {
      closed ??= once(server.close(), "close");
      await closed;
    },
    cut: () => sockets.forEach((socket) => socket.destroy()),
  };
};

const listenTls = (tls: GrpcTls, certificates: Certificates, log: Log, admit: (socket: Socket) => unknown): Server => {
  const server = createTlsServer({
    cert: tls.cert,
    key: tls.key,
    ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa, requestCert: true }),
    rejectUnauthorized: tls.clientCa !== undefined && tls.clientCertificate === "required",
    ALPNProtocols: ["h2"],
    minVersion: "TLSv1.2",
    handshakeTimeout: tls_handshake_ms_max,
    noDelay: true,
  });
  server.on("secureConnection", (socket) => {
    const certificate = socket.getPeerX509Certificate();
    if (certificate !== undefined && !socket.authorized) {
      log.info({ reason: String(socket.authorizationError) }, "a client certificate was refused");
      socket.destroy();
      return;
    }
    if (certificate !== undefined) remember(certificates, socket, certificate);
    admit(socket);
  });
  server.on("tlsClientError", (err) => log.debug({ err }, "a TLS handshake failed"));
  return server;
};

const remember = (certificates: Certificates, socket: TLSSocket, certificate: X509Certificate): void => {
  const peer = `${socket.remoteAddress}:${socket.remotePort}`;
  const described = describeCertificate(certificate);
  certificates.set(peer, described);
  // The address may already belong to a newer connection by the time this one reports that it closed.
  socket.once("close", () => certificates.get(peer) === described && certificates.delete(peer));
};

const portOf = (server: Server): number => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the gRPC port has no number");
  return address.port;
};

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
