/** What a browser answers, as it comes: nothing of it is believed, everything has a bound. */
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from "@simplewebauthn/server";
import Type from "typebox";
import { Compile } from "typebox/compile";
import { isUuid, type PrincipalId, type TenantId } from "../../../core/ids.ts";
import type { Human } from "../human.ts";

const text = (maxLength: number) => Type.String({ minLength: 1, maxLength, pattern: "^[A-Za-z0-9_-]+$" });

/** WebAuthn §4: a credential id has 1023 octets at most. */
const credentialId = text(1_364);
const clientDataJSON = text(8_000);
const common = { id: credentialId, rawId: credentialId, type: Type.Literal("public-key") };

const created = Type.Object({
  ...common,
  response: Type.Object({
    clientDataJSON,
    attestationObject: text(64_000),
    transports: Type.Optional(Type.Array(Type.String({ maxLength: 30 }), { maxItems: 10 })),
  }),
});
const got = Type.Object({
  ...common,
  response: Type.Object({
    clientDataJSON,
    authenticatorData: text(8_000),
    signature: text(8_000),
    userHandle: Type.Optional(Type.Union([Type.String({ maxLength: 100 }), Type.Null()])),
  }),
});

const isCreated = Compile(created);
const isGot = Compile(got);

/** What the client says it signed (WebAuthn §5.8.1), as far as it is looked at before the library does. */
export type ClientData = { readonly challenge: string };

export const readCreated = (
  given: unknown,
): { readonly response: RegistrationResponseJSON; readonly said: ClientData } | undefined => {
  if (!isCreated.Check(given)) return undefined;
  const { id, rawId, type, response } = given;
  const said = clientDataOf(response.clientDataJSON);
  // The rest of what a browser sends is of no use here, and so is not passed on.
  const transports = response.transports ?? [];
  const { clientDataJSON: data, attestationObject } = response;
  return (
    said && {
      said,
      response: {
        id,
        rawId,
        type,
        response: { clientDataJSON: data, attestationObject, transports },
        clientExtensionResults: {},
      },
    }
  );
};

export const readGot = (
  given: unknown,
): { readonly response: AuthenticationResponseJSON; readonly said: ClientData } | undefined => {
  if (!isGot.Check(given)) return undefined;
  const { id, rawId, type, response } = given;
  const said = clientDataOf(response.clientDataJSON);
  const { clientDataJSON: data, authenticatorData, signature, userHandle } = response;
  return (
    said && {
      said,
      response: {
        id,
        rawId,
        type,
        response: {
          clientDataJSON: data,
          authenticatorData,
          signature,
          ...(typeof userHandle === "string" && userHandle !== "" ? { userHandle } : {}),
        },
        clientExtensionResults: {},
      },
    }
  );
};

/** Undefined where it is no JSON, or was signed within a frame of another origin: our pages are never framed. */
const clientDataOf = (encoded: string): ClientData | undefined => {
  try {
    const said: unknown = JSON.parse(Buffer.from(encoded, "base64url").toString("utf8"));
    if (typeof said !== "object" || said === null) return undefined;
    const { challenge, crossOrigin } = said as Record<string, unknown>;
    return typeof challenge === "string" && crossOrigin !== true ? { challenge } : undefined;
  } catch {
    return undefined;
  }
};

const idOctets = 16;

/** The user handle: home tenant ‖ user, 32 octets that say nothing about the person (WebAuthn §14.6.1). */
export const handleOf = ({ home, user }: Human): Buffer => Buffer.from(`${home}${user}`.replaceAll("-", ""), "hex");

export const humanOfHandle = (handle: string): Human | undefined => {
  const octets = Buffer.from(handle, "base64url");
  if (octets.length !== 2 * idOctets) return undefined;
  const [home, user] = [octets.subarray(0, idOctets), octets.subarray(idOctets)].map(uuidOf);
  return home !== undefined && user !== undefined && isUuid(home) && isUuid(user)
    ? { home: home as TenantId, user: user as PrincipalId }
    : undefined;
};

const uuidOf = (octets: Buffer): string =>
  octets.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
