/** The access token this service asks for decisions with: its own, by client_credentials, kept until shortly before it expires. */
import { ask, type Asking, membersOf, reasonIn, Unreachable } from "../ask.ts";
import type { Issuer } from "../issuer.ts";
import type { Credentials } from "../options.ts";
import { basicOf } from "../token/introspect.ts";

export type ServiceToken = {
  readonly current: () => Promise<string>;
  /** Forgets this token, which was refused. */
  readonly drop: (token: string) => void;
};

/** All that asking needs: a stolen one can do nothing else. */
const scope = "access:check";
/** Renewed when a fifth of its life is left. */
const used_share = 0.8;
const failed_pause_ms = 1_000;

export const serviceTokenOf = (
  needs: Asking & { readonly issuer: Issuer; readonly credentials: Credentials },
): ServiceToken => {
  const { platform } = needs;
  let kept: { readonly token: string; readonly until: number } | undefined;
  let asking: Promise<string> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;

  const fetched = async (): Promise<string> => {
    try {
      const { token_endpoint } = await needs.issuer.metadata();
      const said = await ask(needs, token_endpoint, {
        method: "POST",
        headers: { authorization: basicOf(needs.credentials), "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ grant_type: "client_credentials", scope }).toString(),
      });
      const { access_token, expires_in, token_type } = membersOf(said.body);
      if (said.status !== 200)
        throw new Unreachable(`the token endpoint refused this service's credentials: ${reasonIn(said)}`);
      if (typeof access_token !== "string" || typeof expires_in !== "number" || isBound(token_type))
        throw new Unreachable("the token endpoint gave this service no bearer token");
      kept = { token: access_token, until: platform.now() + expires_in * 1000 * used_share };
      return access_token;
    } catch (error) {
      failedAt = platform.now();
      throw error;
    }
  };
  return {
    current: async () => {
      if (kept !== undefined && kept.until > platform.now()) return kept.token;
      if (asking === undefined && platform.now() - failedAt < failed_pause_ms)
        throw new Unreachable("this service got no token a moment ago");
      asking ??= fetched().finally(() => (asking = undefined));
      return asking;
    },
    drop: (token) => {
      if (kept?.token === token) kept = undefined;
    },
  };
};

const isBound = (type: unknown): boolean => typeof type !== "string" || type.toLowerCase() !== "bearer";
