/**
 * An authenticator and the browser before it, in software: real keys, CBOR (RFC 8949) and COSE (RFC 9053), written from the WebAuthn
 * specification and not from what we read it with.
 *
 *     const authenticator = newAuthenticator({ origin: "http://localhost:8080" });
 *     const registered = authenticator.create(options);   // navigator.credentials.create, as JSON
 *     const proven = authenticator.get(options);          // navigator.credentials.get, as JSON
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

type Cbor = number | string | Buffer | boolean | ReadonlyMap<number | string, Cbor>;

const headOf = (major: number, value: number): Buffer => {
  if (value < 24) return Buffer.from([(major << 5) | value]);
  if (value < 0x100) return Buffer.from([(major << 5) | 24, value]);
  const long = Buffer.alloc(3);
  long[0] = (major << 5) | 25;
  long.writeUInt16BE(value, 1);
  return long;
};

/** RFC 8949 §3, as far as authenticators need it. */
export const cbor = (value: Cbor): Buffer => {
  if (typeof value === "number") return value < 0 ? headOf(1, -1 - value) : headOf(0, value);
  if (typeof value === "boolean") return Buffer.from([value ? 0xf5 : 0xf4]);
  if (typeof value === "string") return Buffer.concat([headOf(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([headOf(2, value.length), value]);
  return Buffer.concat([headOf(5, value.size), ...[...value].flatMap(([key, one]) => [cbor(key), cbor(one)])]);
};

const sha256 = (data: string | Buffer): Buffer => createHash("sha256").update(data).digest();
const base64url = (octets: Buffer): string => octets.toString("base64url");
const part = (text: string | undefined): Buffer => Buffer.from(text ?? "", "base64url");

export type Algorithm = "ES256" | "EdDSA" | "RS256";

type Pair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

const pairs: Readonly<Record<Algorithm, () => Pair>> = {
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
};

/** COSE_Key (RFC 9053 §7, RFC 8230 §4): kty 1, alg 3, and what the key type has. */
const coseOf = (algorithm: Algorithm, key: KeyObject): ReadonlyMap<number, Cbor> => {
  const { x, y, n, e } = key.export({ format: "jwk" });
  const members: Readonly<Record<Algorithm, readonly (readonly [number, Cbor])[]>> = {
    ES256: [
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, part(x)],
      [-3, part(y)],
    ],
    EdDSA: [
      [1, 1],
      [3, -8],
      [-1, 6],
      [-2, part(x)],
    ],
    RS256: [
      [1, 3],
      [3, -257],
      [-1, part(n)],
      [-2, part(e)],
    ],
  };
  return new Map(members[algorithm]);
};

export type Making = {
  readonly origin: string;
  /** The host of the origin, unless said otherwise. */
  readonly rpId?: string;
  readonly algorithm?: Algorithm;
  /** PIN or fingerprint were right. */
  readonly userVerified?: boolean;
  /** Synced between devices, as against bound to this one. */
  readonly synced?: boolean;
  /** Counts its uses; those of phones mostly do not. */
  readonly counts?: boolean;
};

type Options = { readonly challenge: string } & Readonly<Record<string, unknown>>;
type Response = {
  readonly id: string;
  readonly rawId: string;
  readonly type: string;
  readonly response: Readonly<Record<string, unknown>>;
};

/** What a dishonest browser or authenticator changes. */
export type Twist = {
  readonly origin?: string;
  readonly type?: string;
  readonly crossOrigin?: boolean;
  readonly rpId?: string;
  readonly userVerified?: boolean;
  readonly userPresent?: boolean;
  readonly counter?: number;
  readonly userHandle?: Buffer | undefined;
  readonly challenge?: string;
  /** Signs with another key than the one that was registered. */
  readonly key?: KeyObject;
};

export const newAuthenticator = (making: Making) => {
  const { origin, algorithm = "ES256", synced = false, counts = true } = making;
  const rpId = making.rpId ?? new URL(origin).hostname;
  const pair = pairs[algorithm]();
  const id = randomBytes(32);
  const state = { counter: 0, userHandle: undefined as Buffer | undefined };

  const clientData = (type: string, options: Options, twist: Twist): Buffer =>
    Buffer.from(
      JSON.stringify({
        type: twist.type ?? type,
        challenge: twist.challenge ?? options.challenge,
        origin: twist.origin ?? origin,
        crossOrigin: twist.crossOrigin ?? false,
      }),
    );
  /** WebAuthn §6.1: rpIdHash 32 ‖ flags 1 ‖ signCount 4 ‖ what was attested. */
  const authenticatorData = (twist: Twist, attested: Buffer): Buffer => {
    if (counts) state.counter += 1;
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(twist.counter ?? state.counter);
    const flags =
      ((twist.userPresent ?? true) ? 0x01 : 0) |
      ((twist.userVerified ?? making.userVerified ?? true) ? 0x04 : 0) |
      (synced ? 0x18 : 0) |
      (attested.length > 0 ? 0x40 : 0);
    return Buffer.concat([sha256(twist.rpId ?? rpId), Buffer.from([flags]), counter, attested]);
  };
  const answer = (response: Readonly<Record<string, unknown>>): Response => ({
    id: base64url(id),
    rawId: base64url(id),
    type: "public-key",
    response,
  });

  return {
    id: base64url(id),
    /** `navigator.credentials.create()` */
    create: (options: Options, twist: Twist = {}): Response => {
      state.userHandle = part((options["user"] as { id: string }).id);
      const idLength = Buffer.alloc(2);
      idLength.writeUInt16BE(id.length);
      const attested = Buffer.concat([Buffer.alloc(16), idLength, id, cbor(coseOf(algorithm, pair.publicKey))]);
      const authData = authenticatorData(twist, attested);
      const attestationObject = cbor(
        new Map<string, Cbor>([
          ["fmt", "none"],
          ["attStmt", new Map()],
          ["authData", authData],
        ]),
      );
      return answer({
        clientDataJSON: base64url(clientData("webauthn.create", options, twist)),
        attestationObject: base64url(attestationObject),
        transports: [synced ? "hybrid" : "usb", "internal", "made-up"],
      });
    },
    /** `navigator.credentials.get()` */
    get: (options: Options, twist: Twist = {}): Response => {
      const data = clientData("webauthn.get", options, twist);
      const authData = authenticatorData(twist, Buffer.alloc(0));
      const signed = Buffer.concat([authData, sha256(data)]);
      const handle = "userHandle" in twist ? twist.userHandle : state.userHandle;
      return answer({
        clientDataJSON: base64url(data),
        authenticatorData: base64url(authData),
        signature: base64url(sign(algorithm === "EdDSA" ? null : "sha256", signed, twist.key ?? pair.privateKey)),
        ...(handle === undefined ? {} : { userHandle: base64url(handle) }),
      });
    },
  };
};

export type Authenticator = ReturnType<typeof newAuthenticator>;
