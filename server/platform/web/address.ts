/**
 * Who called, in the eyes of the proxies that are trusted. `X-Forwarded-For` is believed as far as it was written by proxies named in
 * the settings: from the right, the first address that is none of them. Anybody may write what stands further left, and it is not read.
 *
 * What cannot be read as an address fails closed: the request counts as the proxy's own, together with all others of the kind.
 */
import type { IncomingMessage } from "node:http";
import ipaddr from "ipaddr.js";
import { readAddress } from "../../../core/conditions/networks.ts";

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = readonly [Address, number];

/** Hops that are looked at, from the nearest. */
const hopsMax = 21;
/** One customer's share of IPv6: whoever has it has all addresses in it. */
const ipv6ClassBits = 64;

/** An address, or a range such as `10.0.0.0/8`; undefined where the text is neither. */
export const readRange = (text: string): Range | undefined => {
  const [address = "", bits, ...rest] = text.split("/");
  const parsed = readAddress(address);
  if (parsed === undefined || rest.length > 0) return undefined;
  const most = parsed.kind() === "ipv4" ? 32 : 128;
  if (bits === undefined) return [parsed, most];
  return /^\d{1,3}$/.test(bits) && Number(bits) <= most ? [parsed, Number(bits)] : undefined;
};

const isWithin = (address: Address, [network, bits]: Range): boolean =>
  address.kind() === network.kind() && address.match(network, bits);

/** Told the hops a request came by, nearest first, says where from. */
export type Hops = (hops: readonly string[]) => string | undefined;

/**
 * The nearest hop that is no trusted proxy, or the farthest where all are. Undefined where one on the way is no address, and where there are
 * too many: nobody knows then. `trusted` are addresses and CIDR ranges; throws where one of them is neither.
 */
export const hopsReader = (trusted: readonly string[]): Hops => {
  const ranges = trusted.map((text) => {
    const range = readRange(text);
    if (range === undefined) throw new Error(`\`${text}\` is neither an address nor a range of addresses`);
    return range;
  });
  return (hops) => {
    let nearest: Address | undefined;
    for (const hop of hops.slice(0, hopsMax)) {
      nearest = readAddress(hop.trim());
      if (nearest === undefined) return undefined;
      const here = nearest;
      if (!ranges.some((range) => isWithin(here, range))) return here.toString();
    }
    return hops.length > hopsMax ? undefined : nearest?.toString();
  };
};

/** The hops in an `X-Forwarded-For`, nearest first: whoever passes a request on writes at the end. */
export const forwardedHops = (value: string): readonly string[] => value.split(",").toReversed();

export const addressReader = (
  trusted: readonly string[],
): ((request: Pick<IncomingMessage, "headers" | "socket">) => string) => {
  const read = hopsReader(trusted);
  return (request) => {
    const peerText = request.socket.remoteAddress ?? "";
    const forwarded = request.headers["x-forwarded-for"];
    const hops = forwarded === undefined ? [] : forwardedHops(String(forwarded));
    return read([peerText, ...hops]) ?? readAddress(peerText)?.toString() ?? peerText;
  };
};

/** What counts as one place: an IPv4 address, or an IPv6 network of the size one customer has. */
export const addressClass = (text: string): string => {
  const address = readAddress(text);
  if (address === undefined || address.kind() === "ipv4") return text;
  const octets = address.toByteArray().fill(0, ipv6ClassBits / 8);
  return `${ipaddr.fromByteArray(octets).toString()}/${ipv6ClassBits}`;
};
