/**
 * Signing in on a workbench: a real PostgreSQL, the real hasher, limits in memory, and browsers that keep their cookies.
 *
 *     const kit = await openSignInKit();
 *     const acme = await kit.bench.tenant();
 *     const ada = await kit.human(acme);
 *     const browser = kit.browser();
 *     const done = await kit.signIn(browser, ada);
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type Fault, type FaultCode, isFault, type Result } from "../../core/faults.ts";
import { formatRef, type PrincipalId, type TenantId } from "../../core/ids.ts";
import { openPasswordHasher } from "../../server/credentials/passwords/hasher.ts";
import { writePassword } from "../../server/credentials/passwords/store.ts";
import { codeAt, stepAt } from "../../server/credentials/totp/code.ts";
import { beginTotp, confirmTotp } from "../../server/credentials/totp/totp.ts";
import type { Mail } from "../../server/mail/model.ts";
import { unseal } from "../../server/platform/keys/seal.ts";
import { openLimits } from "../../server/platform/limits/limits.ts";
import { newRequestId, randomOctets } from "../../server/platform/random.ts";
import type { SignInPolicy } from "../../server/policies/model.ts";
import { registerUser } from "../../server/principals/users/register-user.ts";
import { findSession } from "../../server/sessions/find-session.ts";
import type { Session } from "../../server/sessions/model.ts";
import type { SignedIn, SignIn, Visit } from "../../server/sign-in/needs.ts";
import { signInWithPassword } from "../../server/sign-in/sign-in-with-password.ts";
import { openWorkbench, type Workbench } from "../support/engine.ts";

export const password = "correct horse battery staple";
export const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

export type Ada = { readonly home: TenantId; readonly user: PrincipalId; readonly email: string };

/** A browser: its address, and the cookies it was given. */
export type Browser = {
  readonly visit: () => Visit;
  readonly take: (cookies: readonly string[]) => void;
  readonly cookie: (name: string) => string | undefined;
};

export type Kit = {
  readonly bench: Workbench;
  readonly needs: SignIn;
  browser(address?: string): Browser;
  /** A user of the tenant, as an administrator registers one, with the password above. */
  human(tenant: TenantId, role?: string): Promise<Ada>;
  policy(tenant: TenantId, policy: Partial<SignInPolicy>): Promise<void>;
  /** A confirmed TOTP device; gives the code of now, or of some steps later. */
  totp(ada: Ada): Promise<(later?: number) => string>;
  signIn(
    browser: Browser,
    ada: Pick<Ada, "email">,
    more?: Partial<Parameters<typeof signInWithPassword>[1]>,
  ): Promise<Result<SignedIn>>;
  /** The session a browser's cookie stands for. */
  session(browser: Browser): Promise<Session | undefined>;
  /** Mail of the tenant that waits to be sent, oldest first. */
  mails(tenant: TenantId): Promise<readonly Mail[]>;
  close(): Promise<void>;
};

export const openSignInKit = async (): Promise<Kit> => {
  const bench = await openWorkbench();
  const { platform, model, issuer, sealKey } = bench.engine;
  const hasher = openPasswordHasher();
  const limits = openLimits({ redis: undefined, key: randomOctets(32) });
  const needs: SignIn = { platform, model, issuer, hasher, limits, sealKey, browserKey: randomOctets(32) };
  const hash = await hasher.hash(password);
  assert.ok(!isFault(hash));

  const browser = (address = "192.0.2.1"): Browser => {
    const jar = new Map<string, string>();
    return {
      visit: () => ({
        headers: {
          "user-agent": firefox,
          ...(jar.size === 0 ? {} : { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; ") }),
        },
        address: () => address,
        requestId: newRequestId(),
      }),
      take: (cookies) => {
        for (const text of cookies) {
          const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(text) ?? [];
          if (/Max-Age=0(;|$)/.test(text)) jar.delete(name);
          else jar.set(name, value);
        }
      },
      cookie: (name) => jar.get(name),
    };
  };

  return {
    bench,
    needs,
    browser,
    human: async (tenant, role) => {
      const email = `${randomUUID()}@acme.example`;
      const made = await bench.ok(registerUser, await bench.ownerOf(tenant), {
        parent: bench.rootRef(tenant),
        email,
        display_name: "Ada Lovelace",
        ...(role === undefined ? {} : { role }),
      });
      const user = made.id as PrincipalId;
      await platform.database.transaction(tenant, (tx) => writePassword(tx, user, hash, platform.clock.now()));
      return { home: tenant, user, email };
    },
    policy: async (tenant, policy) => {
      await bench.sql(
        tenant,
        "test.policy",
        `insert into sign_in_policies (tenant_id, document, revision, create_time, update_time) values ($1, $2, 1, now(), now())
         on conflict (tenant_id) do update set document = excluded.document`,
        [tenant, JSON.stringify(policy)],
      );
    },
    totp: async (ada) => {
      const at = platform.clock.now();
      const asked = { ...ada, displayName: "Phone", accountName: ada.email, issuerName: "Acme", now: at };
      const seed = await platform.database.transaction(ada.home, async (tx) => {
        const begun = await beginTotp(tx, sealKey, asked);
        assert.ok(!isFault(begun));
        const secret = seedOf(begun.secret);
        assert.ok(await confirmTotp(tx, sealKey, { ...ada, id: begun.id }, codeAt(secret, stepAt(at)), at));
        return secret;
      });
      return (later = 0) => codeAt(seed, stepAt(platform.clock.now()) + later);
    },
    signIn: async (from, ada, more = {}) => {
      const given = { email: ada.email, password, context: null, request: from.visit(), ...more };
      const answer = await signInWithPassword(needs, given);
      if (!isFault(answer)) from.take(answer.cookies);
      return answer;
    },
    session: (from) => findSession({ platform }, from.visit()),
    mails: async (tenant) => {
      const rows = await bench.sql<{ id: string; content_sealed: Buffer }>(
        tenant,
        "test.mails",
        "select id, content_sealed from mail_outbox where tenant_id = $1 order by create_time, ctid",
        [tenant],
      );
      return rows.map(
        (row) => JSON.parse(unseal(sealKey, `mail_outbox/${row.id}`, row.content_sealed).toString()) as Mail,
      );
    },
    close: async () => {
      await hasher.close();
      await bench.close();
    },
  };
};

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** RFC 4648 §6. */
export const seedOf = (text: string): Buffer => {
  const bits = Array.from(text, (one) => alphabet.indexOf(one).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.match(/.{8}/g)?.map((octet) => Number.parseInt(octet, 2)) ?? []);
};

export const done = <T>(answer: Result<T>): T => {
  assert.ok(!isFault(answer), `expected success, got ${JSON.stringify(answer)}`);
  return answer;
};

export const fails = (answer: unknown, code: FaultCode): Fault => {
  assert.ok(isFault(answer), `expected ${code}, got ${JSON.stringify(answer)}`);
  assert.equal(answer.fault, code, answer.detail);
  return answer;
};

/** The secret of the link a mail carries. */
export const linkIn = (mail: Mail | undefined): string => {
  assert.ok(mail !== undefined && "url" in mail, `no link in ${JSON.stringify(mail)}`);
  return new URL(mail.url).searchParams.get("link") ?? "";
};

export const refOf = ({ user }: Ada): string => formatRef("users", user);
