/** A route of the gateways, and what it demands. */
import type { PathTemplate } from "./path-template.ts";

/** What a route demands of a request. */
export type Rule =
  /** Let through without a token, for the reason given. */
  | { readonly at: "public"; readonly why: string }
  | {
      readonly at: "guarded";
      /** `resource:action`. */
      readonly permission: string;
      /** `accounts/{id}`, with the path's parameters in it, or a whole ref. Absent: the tenant as a whole. */
      readonly resource?: string;
      /** Likewise: the registered parent of a leaf that is not registered. */
      readonly parent?: string;
      /** What the token must carry besides, each as it stands or by a pattern of the token's. */
      readonly scopes: readonly string[];
      /** Whom tokens must be meant for (RFC 9068 §4). Empty: the issuer. */
      readonly audience: readonly string[];
    };

export type Route = {
  /** Lower case, with its port where it names one; undefined for every host. */
  readonly host: string | undefined;
  /** Upper case. `GET` lets `HEAD` pass. */
  readonly methods: readonly string[];
  readonly path: PathTemplate;
  readonly rule: Rule;
};
