/**
 * One row of everything a human's sign-in leaves behind, written past the API: for the sweeps that ask who sees a table's rows, whatever
 * put them there. A table that is missing here fails those sweeps.
 */
import type { Deployment } from "../oauth/deployment.ts";

const user = "(select id from users where tenant_id = $1 limit 1)";
const application = "(select id from applications where tenant_id = $1 limit 1)";
const later = "now() + interval '1 hour'";
const digest = "sha256(convert_to(gen_random_uuid()::text, 'UTF8'))";

const rows: readonly string[] = [
  `insert into passwords values ($1, ${user}, 'x', now(), now())`,
  `insert into totp_devices (tenant_id, id, user_id, display_name, secret_sealed, create_time) values ($1, gen_random_uuid(), ${user}, 'A phone', 'x', now())`,
  `insert into recovery_codes (tenant_id, user_id, hash, create_time) values ($1, ${user}, ${digest}, now())`,
  `insert into passkeys (tenant_id, id, user_id, credential_id, public_key, counter, transports, backed_up, display_name, create_time)
     values ($1, gen_random_uuid(), ${user}, ${digest}, 'x', 0, '{}', false, 'A key', now())`,
  `insert into spent_once values ($1, 'test', ${digest}, ${later})`,
  `insert into mail_links (tenant_id, id, user_id, purpose, email, hash, create_time, expire_time)
     values ($1, gen_random_uuid(), ${user}, 'verify_email', 'ada@acme.example', ${digest}, now(), ${later})`,
  `insert into invitations (tenant_id, id, node_id, email, invited_by, hash, state, create_time, update_time, expire_time)
     values ($1, gen_random_uuid(), $1, gen_random_uuid()::text || '@acme.example', 'users/x', ${digest}, 'pending', now(), now(), ${later})`,
  `insert into mail_outbox (tenant_id, id, content_sealed, create_time, next_attempt_time, expire_time)
     values ($1, gen_random_uuid(), 'x', now(), ${later}, ${later})`,
  `insert into sign_in_policies values ($1, '{}', 1, now(), now()) on conflict do nothing`,
  `insert into brandings (tenant_id, revision, create_time, update_time) values ($1, 1, now(), now()) on conflict do nothing`,
  `insert into domains (tenant_id, id, name, state, challenge, create_time, update_time)
     values ($1, gen_random_uuid(), gen_random_uuid()::text || '.example', 'pending', 'x', now(), now())`,
  `insert into sessions (tenant_id, id, user_id, secret_hash, state, methods, acr, auth_time, user_agent, address, create_time, seen_time,
       expire_time, idle_seconds)
     values ($1, gen_random_uuid(), ${user}, ${digest}, 'full', '{pwd}', 'x', now(), 'x', '127.0.0.1', now(), now(), ${later}, 3600)`,
  `insert into remembered_devices values ($1, gen_random_uuid(), ${user}, ${digest}, 'A laptop', now(), ${later})`,
  `insert into applications (tenant_id, id, node_id, client_id, display_name, state, source, first_party, metadata, create_time, update_time)
     values ($1, gen_random_uuid(), $1, gen_random_uuid()::text, 'An application', 'disabled', 'managed', false, '{}', now(), now())`,
  `insert into application_secrets (tenant_id, id, application_id, hash, key_id, create_time)
     values ($1, gen_random_uuid(), ${application}, ${digest}, 'x', now())`,
  `insert into authorization_requests (tenant_id, id, hash, application_id, via, parameters, create_time, expire_time)
     values ($1, gen_random_uuid(), ${digest}, ${application}, 'page', '{}', now(), ${later})`,
  `insert into consents values ($1, ${user}, 'x', $1, '{}', null, now(), now()) on conflict do nothing`,
  `insert into token_families (tenant_id, id, user_id, offline, client_tenant_id, application_id, client_id, bound_tenant_id, scopes, audience,
       acr, methods, auth_time, create_time, use_time, expire_time)
     values ($1, gen_random_uuid(), ${user}, false, $1, ${application}, 'x', $1, '{}', '{}', 'x', '{pwd}', now(), now(), now(), ${later})`,
  `insert into authorization_codes (tenant_id, id, hash, user_id, client_tenant_id, application_id, client_id, bound_tenant_id, redirect_uri,
       redirect_uri_given, scopes, audience, acr, methods, auth_time, create_time, expire_time)
     values ($1, gen_random_uuid(), ${digest}, ${user}, $1, ${application}, 'x', $1, 'x', true, '{}', '{}', 'x', '{pwd}', now(), now(), ${later})`,
  `insert into refresh_tokens (tenant_id, id, family_id, hash, create_time, expire_time)
     values ($1, gen_random_uuid(), (select id from token_families where tenant_id = $1 limit 1), ${digest}, now(), ${later})`,
  `insert into device_authorizations (tenant_id, id, device_hash, user_code_hash, client_tenant_id, application_id, client_id, scopes, audience,
       state, interval_seconds, create_time, expire_time)
     values ($1, gen_random_uuid(), ${digest}, ${digest}, $1, ${application}, 'x', '{}', '{}', 'pending', 5, now(), ${later})`,
  `insert into logout_notices (tenant_id, id, user_id, session_id, client_tenant_id, application_id, create_time, next_attempt_time, expire_time)
     values ($1, gen_random_uuid(), ${user}, gen_random_uuid(), $1, ${application}, now(), ${later}, ${later})`,
  `insert into groups (tenant_id, id, node_id, display_name, description, create_time, update_time)
     values ($1, gen_random_uuid(), $1, gen_random_uuid()::text, '', now(), now())`,
  `insert into group_members values ($1, (select id from groups where tenant_id = $1 limit 1), 'human', ${user}, now()) on conflict do nothing`,
  `insert into group_closure values ($1, ${user}, (select id from groups where tenant_id = $1 limit 1), 'human') on conflict do nothing`,
  `insert into resource_grants (tenant_id, principal_id, node_id, id, principal_kind, level, create_time, update_time)
     values ($1, ${user}, $1, gen_random_uuid(), 'human', gen_random_uuid()::text, now(), now())`,
  `insert into share_links (tenant_id, id, node_id, level, display_name, hash, key_id, creator_kind, creator_id, create_time, expire_time)
     values ($1, gen_random_uuid(), $1, 'viewer', 'A link', ${digest}, 'x', 'human', ${user}, now(), ${later})`,
];

/** The tenant has a user already. */
export const leaveTraces = async (deployment: Deployment, tenant: string): Promise<void> => {
  for (const row of rows) await deployment.sql(row, [tenant]);
};
