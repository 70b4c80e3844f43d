/**
 * What the route sweep lets pass, route by route. The lists may only shrink: the sweep holds them against the route table and fails where
 * one names too much or too little, so a route that needs no token, or that another tenant's token gets an answer from, is seen in review.
 */

/** Answered to anybody. Each says why in its own policy. */
export const publicRoutes: readonly string[] = [
  "GET /",
  "GET /.well-known/authzen-configuration",
  "GET /.well-known/oauth-authorization-server",
  "GET /.well-known/oauth-protected-resource",
  "GET /.well-known/oauth-protected-resource/access/v1",
  "GET /.well-known/oauth-protected-resource/v1",
  "GET /.well-known/openid-configuration",
  "GET /assets/fragment.js",
  "GET /assets/guilloche.svg",
  "GET /assets/passkeys.js",
  "GET /assets/seal.svg",
  "GET /assets/style.css",
  "GET /assets/webauthn.js",
  "GET /branding/logo",
  "GET /forgot-password",
  "GET /invitation",
  "GET /oauth/authorize",
  "GET /oauth/jwks",
  "GET /oauth/logout",
  "GET /register",
  "GET /reset-password",
  "GET /setup",
  "GET /sign-in",
  "GET /sign-in/enrol",
  "GET /sign-in/passkey",
  "GET /sign-in/password",
  "GET /sign-in/second-factor",
  "GET /sign-out",
  "GET /signed-out",
  "GET /verify-email",
  "POST /forgot-password",
  "POST /invitation",
  "POST /oauth/authorize",
  "POST /oauth/logout",
  "POST /oauth/register",
  "POST /register",
  "POST /reset-password",
  "POST /setup",
  "POST /sign-in",
  "POST /sign-in/enrol",
  "POST /sign-in/passkey",
  "POST /sign-in/password",
  "POST /sign-in/second-factor",
  "POST /sign-out",
  "POST /verify-email",
];

/** OAuth endpoints: the client authenticates as the endpoint's own RFC says; the sweep asks them in its own way. */
export const clientRoutes: readonly string[] = [
  "POST /oauth/device_authorization",
  "POST /oauth/introspect",
  "POST /oauth/par",
  "POST /oauth/revoke",
  "POST /oauth/token",
];

/** A gateway's own credential opens them, and no token beside it does; tests/edge asks them in their own way. */
export const gatewayRoutes: readonly string[] = [
  "DELETE /access/v1/forward-auth",
  "GET /access/v1/forward-auth",
  "PATCH /access/v1/forward-auth",
  "POST /access/v1/forward-auth",
  "PUT /access/v1/forward-auth",
];

/** OIDC Core §5.3: a human's access token with the scope `openid` opens them, and no other token does. */
export const userinfoRoutes: readonly string[] = ["GET /oauth/userinfo", "POST /oauth/userinfo"];

/** RFC 7592: the registration access token opens them, and no other token does. */
export const registrationRoutes: readonly string[] = [
  "DELETE /oauth/register",
  "GET /oauth/register",
  "PUT /oauth/register",
];

/** Pages of a human's own account, asked with the browser's cookie: without one they lead to the sign-in page. */
export const sessionRoutes: readonly string[] = [
  "GET /account",
  "GET /account/api-tokens",
  "GET /account/applications",
  "GET /account/delete",
  "GET /account/email",
  "GET /account/export",
  "GET /account/passkeys",
  "GET /account/password",
  "GET /account/profile",
  "GET /account/recovery-codes",
  "GET /account/security-log",
  "GET /account/sessions",
  "GET /account/tenants",
  "GET /account/totp",
  "GET /consent",
  "GET /device",
  "GET /tenants",
  "POST /account/api-tokens",
  "POST /account/applications",
  "POST /account/delete",
  "POST /account/email",
  "POST /account/export",
  "POST /account/passkeys",
  "POST /account/password",
  "POST /account/profile",
  "POST /account/recovery-codes",
  "POST /account/sessions",
  "POST /account/tenants",
  "POST /account/totp",
  "POST /consent",
  "POST /device",
  "POST /tenants",
];

/** These name nothing that could be another tenant's: whose token it is says which tenant they are about. */
export const ownTenantOperations: readonly string[] = [
  "accounts.list",
  "api-tokens.create",
  "api-tokens.list",
  "applications.list",
  "audit.list",
  "built-in-roles.list",
  "clients.list",
  "domains.create",
  "domains.list",
  "events.list",
  "groups.create",
  "groups.list",
  "invitations.list",
  "memberships.list",
  "organizations.create",
  "organizations.list",
  "resource-grants.list",
  "resources.list",
  "role-assignments.list",
  "roles.create",
  "roles.list",
  "service-accounts.list",
  "sessions.list",
  "share-links.list",
  "users.list",
];

/** Decided at the host: no tenant's own role reaches them, whatever its scopes. */
export const hostOperations: readonly string[] = [
  "organizations.create",
  "organizations.resume",
  "organizations.suspend",
];
