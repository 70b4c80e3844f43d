/** Whether an address is in a network: strictly read, and an IPv4 address in IPv6's clothes taken as what it is. */
import ipaddr from "ipaddr.js";

type Address = ipaddr.IPv4 | ipaddr.IPv6;
export type Network = { readonly address: Address; readonly bits: number };

const ipv4Bits = 32;
const ipv6Bits = 128;
/** `::ffff:0:0/96`, RFC 4291 §2.5.5.2. */
const mappedBits = 96;

/** No octal, no short forms, no zone. */
export const readAddress = (text: string): Address | undefined => {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (text.includes("%") || !ipaddr.IPv6.isValid(text)) return undefined;
  // `::10.0.0.1` is no mapped address (RFC 4291 §2.5.5.1); the library takes it for one.
  return isCompatible(text) ? ipaddr.IPv6.parse(`0${text}`) : ipaddr.process(text);
};

const isCompatible = (text: string): boolean =>
  text.startsWith("::") && ipaddr.IPv4.isValidFourPartDecimal(text.slice(2));

/** An address alone, or CIDR notation such as `10.0.0.0/8`; undefined where the text is neither. */
export const readNetwork = (text: string): Network | undefined => {
  const [head = "", tail, ...rest] = text.split("/");
  const address = readAddress(head);
  if (address === undefined || rest.length > 0) return undefined;
  const isMapped = address.kind() === "ipv4" && head.includes(":");
  const most = address.kind() === "ipv4" && !isMapped ? ipv4Bits : ipv6Bits;
  if (tail !== undefined && (!/^(0|[1-9]\d{0,2})$/.test(tail) || Number(tail) > most)) return undefined;
  const bits = tail === undefined ? most : Number(tail);
  if (!isMapped) return { address, bits };
  // A mapped network that is wider than the mapped range is no network of IPv4 addresses.
  return bits < mappedBits ? undefined : { address, bits: bits - mappedBits };
};

/** Throws where either text is not what it should be: what can't be compared is not in anything. */
export const isInNetwork = (address: string, network: string): boolean => {
  const one = readAddress(address);
  if (one === undefined) throw new RangeError(`\`${address.slice(0, 50)}\` is not an IP address`);
  const other = readNetwork(network);
  if (other === undefined) throw new RangeError(notANetwork(network));
  return one.kind() === other.address.kind() && one.match(other.address, other.bits);
};

export const notANetwork = (text: string): string =>
  `\`${text.slice(0, 50)}\` is not a network; write it like \`10.0.0.0/8\` or \`2001:db8::/32\``;
