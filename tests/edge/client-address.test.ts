// What conditions are told of a request that a gateway asks about: the address is the gateway's word, and as far as its own proxies reach.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { hopsReader } from "../../server/platform/web/address.ts";
import { CheckResponse } from "../../server/transport/grpc/generated/envoy/service/auth/v3/external_auth.ts";
import { bearer, send } from "../oauth/http.ts";
import { checkRequest, envoyAt, type Sent } from "./envoy.ts";
import { portOf, startCaddy, startEdge, startNginx, startUpstream, statusOfRaw, withCondition } from "./kit.ts";

const proxy = "10.0.0.5";
/** One that connects to a gateway here. */
const nearProxy = "127.0.0.3";
const edge = await startEdge({ env: { COUNTERSIGN_TRUSTED_PROXIES: `${proxy},${nearProxy},2001:db8:ffff::/48` } });
after(edge.close);
const { deployment, payouts, gatewayToken } = edge;
const envoy = envoyAt(deployment.servers[0]?.grpcPort ?? 0);
after(envoy.close);

const inNetwork = await withCondition(edge, 'in_network(context.ip, ["203.0.113.0/24", "2001:db8:1::/48"])');
const inside = "203.0.113.7";
const outside = "198.51.100.9";

type Headers = Readonly<Record<string, string>>;
const asked = (forwardedFor: string | undefined, token: string, more: Headers = {}): Headers => ({
  "X-Forwarded-Method": "GET",
  "X-Forwarded-Proto": "https",
  "X-Forwarded-Host": "api.example.com",
  "X-Forwarded-Uri": payouts,
  ...(forwardedFor === undefined ? {} : { "X-Forwarded-For": forwardedFor }),
  ...bearer(token),
  ...more,
});
const vouching = `${gatewayToken}; address=x-forwarded-for`;
const forwardAuth = (headers: Headers, gateway = vouching) =>
  deployment.send("/access/v1/forward-auth", { headers: { ...headers, "Countersign-Gateway": gateway } });
const passes = async (forwardedFor: string | undefined, gateway?: string, more?: Headers): Promise<boolean> => {
  const { status, text } = await forwardAuth(asked(forwardedFor, inNetwork, more), gateway);
  assert.ok(status === 200 || status === 403, text);
  return status === 200;
};

test("the nearest hop that is no trusted proxy is the client; what cannot be read on the way there is nobody", () => {
  const read = hopsReader(["10.0.0.0/8", "2001:db8:ffff::/48"]);
  for (const [hops, expected] of [
    [["203.0.113.7"], "203.0.113.7"],
    [["203.0.113.7", "1.2.3.4"], "203.0.113.7"],
    [["10.1.1.1", "203.0.113.7", "1.2.3.4"], "203.0.113.7"],
    [["10.1.1.1", " 203.0.113.7 ", "rubbish"], "203.0.113.7"],
    [["::ffff:10.1.1.1", "::FFFF:203.0.113.7"], "203.0.113.7"],
    [["::ffff:cb00:7107"], "203.0.113.7"],
    [["2001:db8:ffff::1", "2001:DB8:1:0:0:0:0:1"], "2001:db8:1::1"],
    [["10.1.1.1", "10.2.2.2"], "10.2.2.2"],
    [["10.1.1.1", "rubbish", "203.0.113.7"], undefined],
    [["203.0.113.7:80"], undefined],
    [["[2001:db8:1::1]"], undefined],
    [["0313.0.113.7"], undefined],
    [["3405803783"], undefined],
    [["fe80::1%eth0"], undefined],
    [["unknown"], undefined],
    [[""], undefined],
    [[], undefined],
    [Array.from({ length: 100 }, () => "10.1.1.1").concat("203.0.113.7"), undefined],
  ] as const)
    assert.equal(read(hops), expected, hops.join());
});

test("CWE-348: an address is told to conditions only by a gateway that says it writes `X-Forwarded-For` itself", async () => {
  assert.equal(await passes(inside), true);
  assert.equal(await passes(outside), false);
  assert.equal(await passes(inside, gatewayToken), false, "it may be the client's");
  assert.equal(await passes(inside, `${gatewayToken}; permission=payouts:read; resource=${edge.place.ref}`), false);
  const beside = `${vouching}; permission=payouts:read; resource=accounts/{id}; path=/accounts/{id}/payouts`;
  assert.equal(await passes(inside, beside), true, "beside a rule");
  assert.equal(await passes(outside, beside), false);
  assert.equal(await passes(inside, `${gatewayToken}; public=; address=x-forwarded-for`), false, "still no rule");
});

test("behind further proxies only those that are trusted are passed over, and what a client wrote stands too far left", async () => {
  assert.equal(await passes(`${inside}, ${proxy}`), true);
  assert.equal(await passes(`${outside}, ${proxy}`), false);
  assert.equal(await passes(`${inside}, ${outside}, ${proxy}`), false, "written by the client");
  assert.equal(await passes(`${inside}, ${outside}`), false, "by a proxy nobody trusts");
  assert.equal(await passes(`${inside}, 10.0.0.6`), false, "near a trusted one");
  assert.equal(await passes(`${outside}, ${inside}, ::ffff:${proxy}, 2001:db8:ffff::1`), true);
});

test("an address is compared as what it is, however it is written", async () => {
  for (const one of [`::ffff:${inside}`, "::ffff:cb00:7107", "2001:DB8:1:0::1"]) assert.equal(await passes(one), true);
  for (const one of [`::${inside}`, "2001:db8:2::1", `::ffff:${outside}`]) assert.equal(await passes(one), false);
  const exactly = await withCondition(edge, `context.ip == "${inside}"`);
  assert.equal((await forwardAuth(asked(`::ffff:${inside}`, exactly))).status, 200);
});

test("a gateway that vouches for `X-Forwarded-For` and does not write it is refused, whatever is asked", async () => {
  for (const forwardedFor of [
    undefined,
    "unknown",
    `${inside}:4711`,
    `${inside},`,
    "fe80::1%eth0",
    `${proxy}, x, ${proxy}`,
  ]) {
    for (const token of [inNetwork, edge.memberToken]) {
      const answer = await forwardAuth(asked(forwardedFor, token));
      assert.equal(answer.status, 403, String(forwardedFor));
      assert.match(answer.text, /the gateway is not set up.*x-forwarded-for/i);
    }
  }
  for (const said of ["address=", "address=$remote_addr", `address=${inside}`, "address=x-real-ip"]) {
    const answer = await forwardAuth(asked(inside, edge.memberToken), `${gatewayToken}; ${said}`);
    assert.equal(answer.status, 403, said);
    assert.match(answer.text, /the gateway is not set up.*`address`/);
  }
  const twice = await forwardAuth(asked(inside, edge.memberToken), `${vouching}; address=x-forwarded-for`);
  assert.equal(twice.status, 403);
  const lines = Object.entries({ ...asked(inside, edge.memberToken), "Countersign-Gateway": vouching }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  const raw = (...more: readonly string[]) =>
    statusOfRaw(Number(new URL(deployment.base()).port), [
      "GET /access/v1/forward-auth HTTP/1.1",
      "Host: a",
      ...lines,
      ...more,
    ]);
  assert.equal(await raw(), 200);
  assert.equal(await raw(`X-Forwarded-For: ${inside}`), 403, "two lines: one of them is not the gateway's");
});

test("a condition sees the path decoded, so that no spelling of it gets around one", async () => {
  const token = await withCondition(edge, `!context.path.endsWith("/payouts") && context.scheme == "https"`);
  const at = (uri: string) => ({ "X-Forwarded-Uri": uri });
  for (const uri of [payouts, payouts.replace("payouts", "%70ayouts"), `${payouts}?x=/y`])
    assert.equal((await forwardAuth(asked(inside, token, at(uri)))).status, 403, uri);
  const rule = `${vouching}; permission=payouts:read; resource=${edge.place.ref}`;
  assert.equal((await forwardAuth(asked(inside, token, at("/other")), rule)).status, 200);
});

for (const [name, start, otherwise] of [
  ["nginx", startNginx, { $remote_addr: "$proxy_add_x_forwarded_for" }],
  ["caddy", startCaddy, { "uri /access": `trusted_proxies ${nearProxy}\n\t\t\turi /access` }],
] as const)
  test(`${name} behind a further proxy: what that one has written is read, and what anybody else has is not`, async (t) => {
    const upstream = await startUpstream();
    t.after(upstream.close);
    const between = { countersignPort: portOf(edge), upstreamPort: upstream.port, token: gatewayToken, otherwise };
    const gateway = await start(between);
    t.after(gateway.stop);
    const from = async (address: string, forwardedFor?: string): Promise<number> => {
      const more = forwardedFor === undefined ? {} : { "X-Forwarded-For": forwardedFor };
      const headers = { ...bearer(inNetwork), ...more };
      return (await send(`http://127.0.0.1:${gateway.port}${payouts}`, { headers, from: address })).status;
    };
    assert.equal(await from(nearProxy, inside), 200);
    assert.equal(await from(nearProxy, `${outside}, ${inside}`), 200);
    assert.equal(await from(nearProxy, `${inside}, ${outside}`), 403, "written by the client");
    assert.equal(await from(nearProxy), 403, "the proxy itself");
    assert.equal(await from("127.0.0.2", inside), 403, "past the proxy");
    assert.equal(await from("127.0.0.2", `${inside}, ${nearProxy}`), 403, "past the proxy");
  });

const envoyLets = async (source: string, more: Omit<Sent, "source" | "path"> = {}): Promise<boolean> => {
  const headers = { ...more.headers, ...bearer(inNetwork) };
  const raw = more.raw === undefined ? {} : { raw: [...more.raw, ...Object.entries(bearer(inNetwork))] };
  const request = checkRequest({ ...more, headers, ...raw, source, path: payouts });
  return CheckResponse.decode(await envoy.call(request, `Bearer ${gatewayToken}`)).status?.code === 0;
};

test("Envoy's `source` is the client, and its `X-Forwarded-For` is not looked at unless a trusted proxy is the source", async () => {
  assert.equal(await envoyLets(inside), true);
  assert.equal(await envoyLets(outside), false);
  assert.equal(await envoyLets(`::ffff:${inside}`), true);
  assert.equal(await envoyLets("2001:db8:1::7"), true);
  for (const name of ["x-forwarded-for", "x-real-ip", "x-envoy-external-address", "forwarded"]) {
    assert.equal(await envoyLets(outside, { headers: { [name]: inside } }), false, name);
    assert.equal(await envoyLets(inside, { headers: { [name]: outside } }), true, name);
  }
});

test("Envoy behind a trusted proxy: the address is the nearest in `X-Forwarded-For` that is no proxy, line by line or joined", async () => {
  const behind = (forwardedFor: string) => envoyLets(proxy, { headers: { "x-forwarded-for": forwardedFor } });
  assert.equal(await behind(inside), true);
  assert.equal(await behind(`${inside},${proxy}`), true, "where Envoy has added the proxy itself");
  assert.equal(await behind(outside), false);
  assert.equal(await behind(`${inside}, ${outside}`), false, "written by the client");
  assert.equal(await behind("unknown"), false);
  assert.equal(await envoyLets(proxy), false, "the proxy says nothing");
  const lines = (...all: readonly string[]) =>
    envoyLets(proxy, { raw: all.map((one) => ["x-forwarded-for", one] as const) });
  assert.equal(await lines(outside, inside), true);
  assert.equal(await lines(inside, outside), false);
});

test("where Envoy says no address, conditions have none, and what needs none is decided as ever", async () => {
  for (const source of ["pipe:/run/envoy.sock", "", "unknown"]) {
    assert.equal(await envoyLets(source), false, source);
    assert.equal(await envoyLets(source, { headers: { "x-forwarded-for": inside } }), false, source);
    const request = checkRequest({ source, path: payouts, headers: bearer(edge.memberToken) });
    const answer = CheckResponse.decode(await envoy.call(request, `Bearer ${gatewayToken}`));
    assert.equal(answer.status?.code, 0, source);
  }
});
