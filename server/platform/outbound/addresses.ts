/** Which addresses a server may be sent to by somebody else's words: public unicast ones, and none besides. */
import ipaddr from "ipaddr.js";

/** Of IPv6 only what IANA has given out for the world (RFC 4291 §2.4); translated and mapped forms of IPv4 are outside of it or named ranges. */
const globalUnicast = ipaddr.IPv6.parseCIDR("2000::/3");

/** Public by number, private by use: Azure's platform channel answers any machine inside with its credentials. */
const metadataServices: readonly string[] = ["168.63.129.16"];

/** `address` as a resolver or a socket writes it. What cannot be read is not public. */
export const isPublicAddress = (address: string): boolean => {
  if (address.includes("%") || !ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== "unicast") return false;
  return parsed.kind() === "ipv4"
    ? !metadataServices.includes(parsed.toString())
    : (parsed as ipaddr.IPv6).match(globalUnicast);
};
