/** What the issuer says about itself (RFC 8414): where its keys, tokens and introspection are. Asked once, and again after an hour. */
import { ask, type Asking, membersOf, reasonIn, Unreachable } from "./ask.ts";

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
    const url = `${needs.issuer}/.well-known/oauth-authorization-server`;
    const said = await ask(needs, url);
    if (said.status !== 200) throw new Unreachable(`${url} answered ${reasonIn(said)}`);
    const value = readMetadata(needs.issuer, said.body);
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
const readMetadata = (issuer: string, body: unknown): IssuerMetadata => {
  const said = membersOf(body);
  if (said.issuer !== issuer)
    throw new Unreachable(
      `the issuer at ${issuer} says that it is ${JSON.stringify(said.issuer) ?? "nobody"}: \`issuer\` has to be what it says, to the octet`,
    );
  const own = (name: string): string => {
    const url = said[name];
    if (typeof url === "string" && URL.canParse(url) && new URL(url).origin === new URL(issuer).origin) return url;
    throw new Unreachable(`the issuer's \`${name}\` is missing, or at another host`);
  };
  return {
    jwks_uri: own("jwks_uri"),
    token_endpoint: own("token_endpoint"),
    introspection_endpoint: own("introspection_endpoint"),
  };
};
