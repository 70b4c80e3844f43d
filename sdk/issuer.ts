/** What the issuer says about itself (RFC 8414): where its keys, tokens and introspection are. Asked once, and again after an hour. */
import { ask, type Asking, membersOf, Unreachable } from "./ask.ts";

export type IssuerMetadata = {
  readonly jwks_uri: string;
  readonly token_endpoint: string;
  readonly introspection_endpoint: string;
};

const kept_ms = 60 * 60_000;

export type Issuer = { readonly metadata: () => Promise<IssuerMetadata> };

export const issuerOf = (needs: Asking & { readonly issuer: string }): Issuer => {
  let kept: { readonly value: IssuerMetadata; readonly until: number } | undefined;
  let asking: Promise<IssuerMetadata> | undefined;
  const fetched = async (): Promise<IssuerMetadata> => {
    const { status, body } = await ask(needs, `${needs.issuer}/.well-known/oauth-authorization-server`);
    const value = status === 200 ? readMetadata(needs.issuer, body) : undefined;
    if (value === undefined) throw new Unreachable(`the issuer's metadata is not there, or is another issuer's`);
    kept = { value, until: needs.platform.now() + kept_ms };
    return value;
  };
  return {
    metadata: async () => {
      if (kept !== undefined && kept.until > needs.platform.now()) return kept.value;
      asking ??= fetched().finally(() => (asking = undefined));
      // What was said an hour ago is better than nothing: addresses are not authority.
      return kept === undefined
        ? asking
        : asking.catch(() => kept?.value ?? Promise.reject(new Unreachable("no metadata")));
    },
  };
};

/** RFC 8414 §3.3: the issuer has to be the one that was asked, to the octet. Its endpoints are its own: no other host is sent a secret. */
const readMetadata = (issuer: string, body: unknown): IssuerMetadata | undefined => {
  const said = membersOf(body);
  if (said.issuer !== issuer) return undefined;
  const own = (name: string): string | undefined => {
    const url = said[name];
    return typeof url === "string" && URL.canParse(url) && new URL(url).origin === new URL(issuer).origin
      ? url
      : undefined;
  };
  const jwks_uri = own("jwks_uri");
  const token_endpoint = own("token_endpoint");
  const introspection_endpoint = own("introspection_endpoint");
  return jwks_uri !== undefined && token_endpoint !== undefined && introspection_endpoint !== undefined
    ? { jwks_uri, token_endpoint, introspection_endpoint }
    : undefined;
};
