/**
 * Authentication context classes (RFC 9470 `acr`): how strongly a human signed in. One ordering for who issues them and for who asks.
 */

/** Weakest first. `phr` is the phishing-resistant class of OpenID's EAP ACR values: a passkey that verified its user. */
export const acrs = ["urn:countersign:acr:single-factor", "urn:countersign:acr:multi-factor", "phr"] as const;
export type Acr = (typeof acrs)[number];

/** Whether the text names a class there is. */
export const isAcr = (text: string): text is Acr => (acrs as readonly string[]).includes(text);

/** Whether `have` is at least as strong as `wanted`. What is not known, on either side, meets nothing and is met by nothing. */
export const satisfies = (have: string | null | undefined, wanted: string): boolean =>
  typeof have === "string" && isAcr(have) && isAcr(wanted) && acrs.indexOf(have) >= acrs.indexOf(wanted);
