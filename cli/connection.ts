/**
 * How a command reaches the server, and as whom. Everything has a default that suits the machine the server runs on: the issuer of the
 * settings, and a token for the service account in bootstrap.json.
 */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { Config } from "../server/config.ts";
import { bootstrapFile, readBootstrap } from "../server/startup/bootstrap-file.ts";
import { Failure } from "./failure.ts";
import { exchange, type Exchanged } from "./http.ts";
import { readSettings } from "./settings.ts";

/** What every command may be told, as commander hands it over. */
export type ConnectionOptions = { readonly issuer?: string; readonly token?: string; readonly tenant?: string };

export type Connection = {
  readonly config: Config;
  readonly issuer: string;
  /** Ref of the tenant a caller of the host speaks about. */
  readonly tenant: string | undefined;
  /** The token that was named, or one obtained now. Throws a `Failure` that says where to get one. */
  token(): Promise<string>;
};

export type ClientCredentials = { readonly clientId: string; readonly clientSecret: string };

/** RFC 6749 §5.1. */
export type TokenAnswer = {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly scope: string;
};

export const withConnection = (command: Command): Command =>
  command
    .option("--issuer <url>", "the server (default: COUNTERSIGN_ISSUER)")
    .option(
      "--token <token>",
      "the access token to call with; - reads it from standard input (default: one for bootstrap.json's service account)",
    )
    .option("--tenant <ref>", "the tenant a caller of the host speaks about, such as organizations/{uuid}, or host");

export const connectionOf = (command: Command): Connection => {
  const options = command.optsWithGlobals<ConnectionOptions>();
  const config = readSettings();
  const issuer = options.issuer ?? config.issuer;
  return {
    config,
    issuer,
    tenant: options.tenant,
    token: async () => {
      if (options.token === "-") return readFileSync(0, "utf8").trim();
      if (options.token !== undefined) return options.token;
      return (await requestToken(issuer, bootstrapCredentials(config, issuer), undefined)).access_token;
    },
  };
};

/** What the first start left in the data directory. */
export const bootstrapCredentials = (config: Config, issuer: string): ClientCredentials => {
  const found = readBootstrap(config.dataDir, issuer, Date.now());
  if (found !== undefined) return { clientId: found.client_id, clientSecret: found.client_secret };
  throw new Failure(
    `there are no credentials: \`${bootstrapFile(config.dataDir)}\` is missing, has expired, or is for another issuer than ${issuer}`,
    ...(config.databaseUrl === ""
      ? [
          "start the server (`npm start`), which writes it; set COUNTERSIGN_DATA_DIR where its data directory is another",
        ]
      : ["make new ones with `countersign bootstrap`"]),
    "or bring your own: `--token`, or `countersign token --client-id … --client-secret …`",
  );
};

/** RFC 6749 §4.4, authenticated as §2.3.1 says. */
export const requestToken = async (
  issuer: string,
  { clientId, clientSecret }: ClientCredentials,
  scope: string | undefined,
): Promise<TokenAnswer> => {
  const answer = await exchange(issuer, {
    method: "POST",
    path: "/oauth/token",
    authorization: `Basic ${basic(clientId, clientSecret)}`,
    form: { grant_type: "client_credentials", ...(scope === undefined ? {} : { scope }) },
  });
  return answer.body as TokenAnswer;
};

/** Both parts are form-encoded before they are joined. */
export const basic = (clientId: string, clientSecret: string): string =>
  Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`).toString("base64");

const formEncoded = (text: string): string => new URLSearchParams({ x: text }).toString().slice(2);

/** A JSON request as the connection's caller. */
export const call = async (
  connection: Connection,
  request: {
    readonly method: string;
    readonly path: string;
    readonly json?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<Exchanged> =>
  exchange(connection.issuer, {
    ...request,
    authorization: `Bearer ${await connection.token()}`,
    headers: {
      ...(connection.tenant === undefined ? {} : { "countersign-tenant": connection.tenant }),
      ...request.headers,
    },
  });
