/**
 * What a deployment has after a while: humans, sessions, families with their refresh tokens, codes. Made in bulk, and analyzed, as the
 * database's own housekeeping does within minutes: a plan made for empty tables reads a whole index where one row is wanted.
 */
import pg from "pg";

const humans = 5_000;
const families_each = 4;

const statements: readonly string[] = [
  `insert into users (tenant_id, id, node_id, email, display_name, state, identity_source, create_time, update_time)
     select $1, gen_random_uuid(), $1, 'other-' || n || '@bench.example', 'Other', 'active', 'platform', now(), now()
       from generate_series(1, ${humans}) n`,
  `insert into memberships (tenant_id, id, user_id, home_tenant_id, node_id, create_time, update_time)
     select $1, gen_random_uuid(), id, $1, $1, now(), now() from users where tenant_id = $1 and email like 'other-%'`,
  `insert into sessions (tenant_id, id, user_id, secret_hash, state, methods, acr, auth_time, user_agent, address, create_time, seen_time,
       expire_time, idle_seconds)
     select $1, gen_random_uuid(), id, sha256(convert_to(id::text, 'UTF8')), 'full', '{pwd}', 'urn:countersign:acr:single-factor', now(), 'x',
            '127.0.0.1', now(), now(), now() + interval '30 days', 28800
       from users where tenant_id = $1 and email like 'other-%'`,
  `insert into token_families (tenant_id, id, user_id, session_id, offline, client_tenant_id, application_id, client_id, bound_tenant_id, scopes,
       audience, acr, methods, auth_time, create_time, use_time, expire_time)
     select $1, gen_random_uuid(), s.user_id, s.id, true, $1, a.id, a.client_id, $1, '{openid}', '{}', s.acr, s.methods, now(), now(), now(),
            now() + interval '30 days'
       from sessions s cross join generate_series(1, ${families_each}) cross join (select id, client_id from applications where tenant_id = $1 limit 1) a
      where s.tenant_id = $1`,
  `insert into refresh_tokens (tenant_id, id, family_id, hash, create_time, expire_time, use_time)
     select $1, gen_random_uuid(), f.id, sha256(convert_to(f.id::text || n, 'UTF8')), now(), now() + interval '30 days',
            case when n < 4 then now() end
       from token_families f cross join generate_series(1, 4) n where f.tenant_id = $1`,
  `insert into authorization_codes (tenant_id, id, hash, user_id, session_id, client_tenant_id, application_id, client_id, bound_tenant_id,
       redirect_uri, redirect_uri_given, scopes, audience, acr, methods, auth_time, create_time, expire_time, redeem_time, family_id)
     select $1, gen_random_uuid(), sha256(convert_to(f.id::text, 'UTF8')), f.user_id, f.session_id, $1, f.application_id, f.client_id, $1, 'x', true,
            '{openid}', '{}', f.acr, f.methods, now(), now(), now() + interval '1 day', now(), f.id
       from token_families f where f.tenant_id = $1`,
];

export const addVolume = async (databaseUrl: string, tenant: string): Promise<void> => {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement, [tenant]);
    await client.query("vacuum analyze");
  } finally {
    await client.end();
  }
};
