/** Every HTTP route there is, with its policy: what the server mounts, the OpenAPI document describes, and the sweeps walk. */
import type { Fault } from "../core/faults.ts";
import type { Model } from "../core/model/model.ts";
import { invitationOperations } from "./access/invitations/operations.ts";
import { accessOperations } from "./access/operations.ts";
import { shareLinkOperations } from "./access/share-links/operations.ts";
import { applicationOperations } from "./clients/operations.ts";
import { credentialOperations } from "./credentials/human-operations.ts";
import { apiTokenOperations } from "./credentials/operations.ts";
import type { Edge } from "./decisions/edge/model.ts";
import type { ApplicationGranting } from "./oauth/grants/application-token.ts";
import { type Introspection, introspect } from "./oauth/introspect.ts";
import { type Issuing, issueToken } from "./oauth/issue-token.ts";
import { serverMetadata } from "./oauth/metadata.ts";
import { type AuthorizingDevices, deviceAuthorizationEndpoint } from "./oauth/device/authorize-device.ts";
import { withDpopNonce } from "./oauth/dpop/authenticate.ts";
import type { NonceNeeds } from "./oauth/dpop/nonces.ts";
import { type EndingSessions, logoutEndpoint } from "./oauth/logout/end-session.ts";
import { resourceMetadata } from "./oauth/resource-metadata.ts";
import {
  refuseRegistration,
  registrationEndpoint,
  type RegistrationNeeds,
  registrationPath,
} from "./oauth/registration-endpoint.ts";
import { revokeEndpoint } from "./oauth/revoke-token.ts";
import { refuseUserinfo, userinfo } from "./oauth/userinfo.ts";
import { authorize } from "./oauth/authorize/authorize.ts";
import { type Pushing, pushRequest } from "./oauth/authorize/push-request.ts";
import type { Operation } from "./operations/operation.ts";
import { errorPage } from "./pages/error-page.ts";
import type { AccountNeeds } from "./pages/account/account-page.ts";
import { accountRoutes } from "./pages/account/routes.ts";
import { pageRoutes } from "./pages/routes.ts";
import { perimeterOperations } from "./perimeters/operations.ts";
import { policyOperations } from "./policies/operations.ts";
import { membershipOperations } from "./principals/memberships/operations.ts";
import { serviceAccountOperations } from "./principals/service-accounts/operations.ts";
import { userOperations } from "./principals/users/operations.ts";
import type { WebRequest } from "./platform/web/request.ts";
import { sessionOperations } from "./sessions/operations.ts";
import { recordOperations } from "./record/operations.ts";
import { keySetCacheSeconds } from "./tokens/signing-keys.ts";
import { decisionPointDocument, decisionRoutes } from "./transport/http/authzen-routes.ts";
import type { SearchNeeds } from "./transport/http/authzen-search.ts";
import { forwardAuthRoutes } from "./transport/http/forward-auth.ts";
import type { OperationRoute, Route } from "./transport/http/routes.ts";

export const allOperations = (model: Model): readonly Operation[] => [
  ...perimeterOperations(model),
  ...userOperations,
  ...membershipOperations,
  ...serviceAccountOperations,
  ...apiTokenOperations,
  ...credentialOperations,
  ...accessOperations,
  ...shareLinkOperations,
  ...invitationOperations,
  ...policyOperations,
  ...applicationOperations,
  ...sessionOperations,
  ...recordOperations,
];

const operationRoute = (operation: Operation): OperationRoute => ({
  kind: "operation",
  method: operation.method,
  path: operation.path,
  policy: { permission: operation.permission },
  operation,
});

const metadataCacheSeconds = 300;
const publicMetadata = "clients and resource servers read it before they have any credential (RFC 8414 §3)";

const documents = (needs: Issuing): readonly Route[] => {
  const metadata = serverMetadata(needs.issuer, needs.model.permissions);
  const { pathname } = new URL(needs.issuer);
  const prefix = pathname === "/" ? "" : pathname;
  // RFC 8414 §3.1 inserts the well-known part before the issuer's path, OpenID Connect appends it; both are served.
  const paths = new Set(
    ["oauth-authorization-server", "openid-configuration"].flatMap((name) => [
      `/.well-known/${name}${prefix}`,
      `${prefix}/.well-known/${name}`,
    ]),
  );
  return [
    ...[...paths].map(
      (path): Route => ({
        kind: "document",
        method: "GET",
        path,
        policy: { public: publicMetadata },
        cacheSeconds: metadataCacheSeconds,
        document: () => metadata,
      }),
    ),
    ...resourceMetadata(needs.issuer, needs.model.permissions).map(
      ({ path, document }): Route => ({
        kind: "document",
        method: "GET",
        path,
        policy: { public: "a client that was refused reads it to find the authorization server (RFC 9728 §3)" },
        cacheSeconds: metadataCacheSeconds,
        document: () => document,
      }),
    ),
    {
      kind: "document",
      method: "GET",
      path: `${prefix}/oauth/jwks`,
      policy: { public: "public keys are public (RFC 7517)" },
      cacheSeconds: keySetCacheSeconds,
      document: () => needs.keys.keySet(),
    },
  ];
};

const authorizationRoutes = (needs: Omit<Pushing, "renderError">): readonly Route[] => {
  const { issuer } = needs;
  const authorizing: Pushing = {
    ...needs,
    renderError: (failure, request) => errorPage({ issuer }, failure, request.requestId, request),
  };
  const common = {
    kind: "web",
    path: "/oauth/authorize",
    policy: {
      public: "RFC 6749 §3.1: whoever comes is sent to sign in, and a code is made for the human of the session alone",
    },
    handle: (request: WebRequest) => authorize(authorizing, request),
    refuse: (failure: Fault, requestId: string) => errorPage({ issuer }, failure, requestId),
  } as const;
  return [
    { ...common, method: "GET" },
    { ...common, method: "POST" },
    {
      kind: "protocol",
      method: "POST",
      path: "/oauth/par",
      policy: { client: "RFC 9126 §2: the client authenticates as at the token endpoint" },
      cors: true,
      handle: (request) => pushRequest(authorizing, request),
    },
  ];
};

const deviceAndLogoutRoutes = (needs: AuthorizingDevices & Omit<EndingSessions, "renderError">): readonly Route[] => {
  const { issuer } = needs;
  const ending: EndingSessions = {
    ...needs,
    renderError: (failure, request) => errorPage({ issuer }, failure, request.requestId, request),
  };
  return [
    {
      kind: "protocol",
      method: "POST",
      path: "/oauth/device_authorization",
      policy: { client: "RFC 8628 §3.1: the client authenticates as at the token endpoint" },
      cors: true,
      handle: (request) => deviceAuthorizationEndpoint(needs, request),
    },
    ...(["GET", "POST"] as const).map(
      (method): Route => ({
        kind: "web",
        method,
        path: "/oauth/logout",
        policy: { public: "RP-Initiated Logout §2: it ends the session of the browser that comes, or asks its human" },
        handle: (request) => logoutEndpoint(ending, request),
        refuse: (failure, requestId) => errorPage({ issuer }, failure, requestId),
      }),
    ),
  ];
};

/** RFC 7591, RFC 7592: one path, and what its method says. */
const registrationRoutes = (needs: RegistrationNeeds): readonly Route[] =>
  (["POST", "GET", "PUT", "DELETE"] as const).map((method) => ({
    kind: "web",
    method,
    path: registrationPath,
    policy:
      method === "POST"
        ? {
            public:
              "RFC 7591 §3: a client that registers itself has nothing yet; off until a tenant's policy has it on",
          }
        : { client: "RFC 7592 §2: the registration access token, which opens its own registration alone" },
    cors: true,
    handle: (request: WebRequest) => registrationEndpoint(needs, request),
    refuse: refuseRegistration,
  }));

/** Where DPoP proofs are taken: whoever sends one is given the nonce of now. */
const takesProofs: ReadonlySet<string> = new Set([
  "/oauth/token",
  "/oauth/par",
  "/oauth/device_authorization",
  "/oauth/userinfo",
  "/oauth/introspect",
  "/oauth/revoke",
]);
const handingOutNonces =
  (needs: NonceNeeds) =>
  (route: Route): Route =>
    (route.kind === "protocol" || route.kind === "web") && takesProofs.has(route.path)
      ? { ...route, handle: withDpopNonce(needs, route.handle) }
      : route;

export const routeTable = (
  needs: Issuing & Introspection & ApplicationGranting & Omit<Pushing, "renderError"> & AuthorizingDevices,
  deciding: Edge & SearchNeeds,
  visiting: AccountNeeds,
): readonly Route[] => {
  const { pathname } = new URL(needs.issuer);
  const prefix = pathname === "/" ? "" : pathname;
  const routes: readonly Route[] = [
    {
      kind: "protocol",
      method: "POST",
      path: "/oauth/token",
      policy: { client: "RFC 6749 §3.2.1: the client authenticates" },
      cors: true,
      handle: (request) => issueToken(needs, request),
    },
    {
      kind: "protocol",
      method: "POST",
      path: "/oauth/introspect",
      policy: { client: "RFC 7662 §2.1: the caller is authorized" },
      handle: (request) => introspect(needs, request),
    },
    {
      kind: "protocol",
      method: "POST",
      path: "/oauth/revoke",
      policy: { client: "RFC 7009 §2.1: the client authenticates" },
      cors: true,
      handle: (request) => revokeEndpoint(needs, request),
    },
    ...(["GET", "POST"] as const).map(
      (method): Route => ({
        kind: "web",
        method,
        path: "/oauth/userinfo",
        policy: { client: "OIDC Core §5.3: the token says whose client asks, and for which human" },
        cors: true,
        handle: (request) => userinfo(needs, request),
        refuse: (failure) => refuseUserinfo(needs.issuer, failure),
      }),
    ),
    ...authorizationRoutes(needs),
    ...deviceAndLogoutRoutes(needs),
    ...pageRoutes(visiting),
    ...accountRoutes(visiting),
    ...decisionRoutes(deciding),
    ...forwardAuthRoutes(deciding),
    ...registrationRoutes(needs),
    ...allOperations(needs.model).map(operationRoute),
  ];
  const handing = handingOutNonces(needs);
  return [
    ...routes.map((route) => ({ ...handing(route), path: prefix + route.path })),
    ...documents(needs),
    decisionPointDocument(needs.issuer),
  ];
};
