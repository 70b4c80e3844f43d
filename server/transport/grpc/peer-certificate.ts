/** What a client certificate says, reduced to what the application decides by. */
import type { X509Certificate } from "node:crypto";

/**
 * A certificate that chained up to the configured authority, was meant for clients and was in its time when the connection was opened.
 * A connection outlives a revocation by at most its maximum age.
 */
export type PeerCertificate = {
  /** The URIs among its subject alternative names, e.g. `spiffe://prod/organizations/{uuid}/service-accounts/{uuid}`. */
  readonly sanUris: readonly string[];
  /** SHA-256 of the certificate, upper-case hex with colons. */
  readonly fingerprint256: string;
  /** The distinguished name, one attribute a line. For logs: nothing should be decided by it. */
  readonly subject: string;
  readonly serialNumber: string;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
};

export const describeCertificate = (certificate: X509Certificate): PeerCertificate => ({
  sanUris: sanUris(certificate.subjectAltName),
  fingerprint256: certificate.fingerprint256,
  subject: certificate.subject,
  serialNumber: certificate.serialNumber,
  expiresAtMs: certificate.validToDate.getTime(),
});

/** One name as OpenSSL and Node print it: `URI:spiffe://…`, or a JSON string after the colon where it holds a comma or a quote. */
const name = /([A-Za-z0-9 ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;

/**
 * The URIs in a printed list of alternative names. The list is read from its start, name by name, so that nothing inside one name can
 * pass for another; a list that does not read to its end names nobody.
 */
export const sanUris = (printed: string | undefined): readonly string[] => {
  if (printed === undefined) return [];
  const uris: string[] = [];
  name.lastIndex = 0;
  while (name.lastIndex < printed.length) {
    const found = name.exec(printed);
    if (found === null) return [];
    const [, kind, value = ""] = found;
    if (kind === "URI") uris.push(value.startsWith('"') ? String(JSON.parse(value)) : value);
  }
  return uris;
};
