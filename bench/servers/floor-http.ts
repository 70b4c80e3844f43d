/**
 * Floor A: the least an HTTP server could do that introspects with one cache round trip. It reads the POST body, takes its SHA-256,
 * GETs what is stored under that, and answers it: a JSON of the size of an introspection response. No routing, no parsing, no
 * authentication of the caller, no check of anything.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient } from "redis";
import { announce } from "../harness/child.ts";

const cache = await createClient({ url: process.env["BENCH_REDIS_URL"] ?? "redis://localhost:6379" }).connect();

const readBody = (request: IncomingMessage): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    request.on("error", reject);
  });

const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const key = createHash("sha256")
    .update(await readBody(request))
    .digest("hex");
  const json = await cache.get(key);
  response.writeHead(json === null ? 404 : 200, {
    "content-type": "application/json",
    "content-length": json === null ? 0 : Buffer.byteLength(json),
    "cache-control": "no-store",
  });
  response.end(json ?? "");
};

const server = createServer((request, response) => void answer(request, response)).listen(0, "127.0.0.1");
await once(server, "listening");
announce((server.address() as AddressInfo).port);
