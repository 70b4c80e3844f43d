// security.md 9: one outbound guard. Addresses as a table, and the guard against real servers.
import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { isPublicAddress } from "../../server/platform/outbound/addresses.ts";
import { openGuardedFetch } from "../../server/platform/outbound/fetch.ts";

const closing: (() => void)[] = [];
after(() => {
  for (const close of closing) close();
});

const serve = async (listener: RequestListener): Promise<number> => {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
};

const why = (answer: Awaited<ReturnType<ReturnType<typeof openGuardedFetch>>>): string =>
  "refused" in answer ? answer.refused : `an answer: ${answer.status}`;

test("security.md 9: only public unicast addresses may be reached", () => {
  const barred = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "not an address",
    "",
  ];
  for (const address of barred) assert.equal(isPublicAddress(address), false, address);
  for (const address of [
    "8.8.8.8",
    "172.15.0.1",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
  ])
    assert.equal(isPublicAddress(address), true, address);
});

test("security.md 9: addresses written in decimal, octal, hexadecimal, short or mapped are what they stand for", async () => {
  const port = await serve((_request, response) => response.end("reached"));
  const fetch = openGuardedFetch({ allow: [] });
  for (const host of [
    "127.0.0.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.1",
    "0",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "localhost",
  ]) {
    const answer = await fetch(`https://${host}:${port}/`);
    assert.match(why(answer), /may not be reached/, host);
  }
});

test("security.md 9: one private address among public ones is one too many, and the name is resolved once", async () => {
  const port = await serve((_request, response) => response.end("reached"));
  const mixed = openGuardedFetch({ allow: [], addressesOf: async () => ["8.8.8.8", "127.0.0.1"] });
  assert.match(why(await mixed(`https://client.example:${port}/`)), /may not be reached/);
  assert.match(
    why(await openGuardedFetch({ allow: [], addressesOf: async () => [] })("https://client.example/")),
    /may not/,
  );

  // What was checked is what is connected to: a name that changes its mind in between is not asked again.
  let asked = 0;
  const rebinding = openGuardedFetch({
    allow: [],
    addressesOf: async () => (asked++ === 0 ? ["192.0.2.1"] : ["8.8.8.8"]),
  });
  assert.match(why(await rebinding(`https://client.example:${port}/`)), /may not be reached/);
  assert.equal(asked, 1);
});

test("security.md 9: the connection goes to the checked address, not to what the name says by then", async () => {
  const port = await serve((request, response) => response.end(request.headers.host));
  const fetch = openGuardedFetch({ allow: [`client.invalid:${port}`], addressesOf: async () => ["127.0.0.1"] });
  const answer = await fetch(`http://client.invalid:${port}/`);
  assert.ok("status" in answer, why(answer));
  assert.equal(answer.body.toString(), `client.invalid:${port}`);
});

test("security.md 9: only https, no credentials in the URL; an exception is for one host and port", async () => {
  const port = await serve((_request, response) => response.end("{}"));
  const fetch = openGuardedFetch({ allow: [`127.0.0.1:${port}`] });
  for (const url of [
    "http://client.example/",
    "ftp://client.example/",
    "file:///etc/passwd",
    "data:,x",
    "nothing",
    `https://x${"y".repeat(2_000)}.example/`,
  ])
    assert.ok("refused" in (await fetch(url)), url);
  assert.match(why(await fetch(`http://user:pass@127.0.0.1:${port}/`)), /credentials/);
  assert.ok("status" in (await fetch(`http://127.0.0.1:${port}/`)));
  assert.ok("refused" in (await fetch(`http://127.0.0.1:${port + 1}/`)));
  assert.ok("refused" in (await fetch(`http://localhost:${port}/`)));
});

test("security.md 9: redirects are answers, and are not followed", async () => {
  const port = await serve((request, response) =>
    request.url === "/elsewhere" ? response.end("followed") : response.writeHead(302, { location: "/elsewhere" }).end(),
  );
  const answer = await openGuardedFetch({ allow: [`127.0.0.1:${port}`] })(`http://127.0.0.1:${port}/`);
  assert.ok("status" in answer, why(answer));
  assert.equal(answer.status, 302);
});

test("security.md 9: size and time are bounded, for answers that are long, slow, silent or compressed", async () => {
  const port = await serve((request, response) => {
    if (request.url === "/long") return void response.end("x".repeat(10_001));
    if (request.url === "/endless") {
      const more = setInterval(() => response.write("x".repeat(1_000)), 1);
      return void response.on("close", () => clearInterval(more));
    }
    if (request.url === "/slow") {
      const more = setInterval(() => response.write("x"), 20);
      return void response.on("close", () => clearInterval(more));
    }
    if (request.url === "/compressed") return void response.writeHead(200, { "content-encoding": "gzip" }).end("x");
    if (request.url === "/broken") {
      response.write("x");
      return void setImmediate(() => response.destroy());
    }
    if (request.url === "/exact") return void response.end("x".repeat(10_000));
  });
  const fetch = openGuardedFetch({ allow: [`127.0.0.1:${port}`] });
  const ask = (path: string, timeoutMs = 2_000) =>
    fetch(`http://127.0.0.1:${port}${path}`, { octetsMax: 10_000, timeoutMs });
  assert.match(why(await ask("/long")), /larger than 10000/);
  assert.match(why(await ask("/endless")), /larger than 10000/);
  assert.match(why(await ask("/slow", 150)), /within 150 ms/);
  assert.match(why(await ask("/silent", 150)), /within 150 ms/);
  assert.match(why(await ask("/compressed")), /compressed/);
  assert.ok("refused" in (await ask("/broken")));
  assert.ok("status" in (await ask("/exact")));
});

test("security.md 14: no more than a bounded number of requests is under way at once", async () => {
  const port = await serve(() => undefined);
  const fetch = openGuardedFetch({ allow: [`127.0.0.1:${port}`] });
  const all = await Promise.all(
    Array.from({ length: 60 }, () => fetch(`http://127.0.0.1:${port}/`, { timeoutMs: 300 })),
  );
  assert.equal(all.filter((answer) => /too many/.test(why(answer))).length, 10);
  assert.match(why(await fetch(`http://127.0.0.1:${port}/`, { timeoutMs: 50 })), /within/);
});
