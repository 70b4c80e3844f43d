// `npm run tour`: Countersign's main job, played against a running server. A tenant, a role, a service account and its tokens are made; then
// a gateway's two questions are asked (who is this, and may they?), a token is revoked, and the first question is asked again.
import { bootstrapCredentials } from "../cli/connection.ts";
import { failureText } from "../cli/failure.ts";
import { grpcAddress } from "../cli/commands/grpc.ts";
import { readSettings } from "../cli/settings.ts";
import type { Model } from "../core/model/model.ts";
import { loadModel } from "../server/startup/access-model.ts";
import { bootstrapFile } from "../server/startup/bootstrap-file.ts";
import { type Body, bearer, type Caller, client, openStage, type Stage } from "./tour/stage.ts";

const dayMs = 24 * 3600 * 1000;

const main = async (): Promise<void> => {
  const config = readSettings();
  const { issuer, dataDir } = config;
  const { model } = loadModel(config.model);
  const file = bootstrapFile(dataDir);
  await reachable(issuer);
  const first = bootstrapCredentials(config, issuer);
  const stage = openStage(issuer, grpcAddress({ issuer, config }));

  stage.say(
    "Each request stands as the command that makes it. These come first, if you want to follow in a shell of your own:",
    "",
  );
  stage.set("ISSUER", issuer);
  stage.set("CLIENT_ID", first.clientId);
  stage.set("CLIENT_SECRET", `$(node -p 'JSON.parse(fs.readFileSync("${file}")).client_secret')`);

  stage.chapter(
    "A token for the operator",
    "The first start left a service account of the host, good for a day. It needs no browser to get a token.",
  );
  const operator = client(first.clientId, first.clientSecret, "$CLIENT_ID:$CLIENT_SECRET");
  const host = await stage.ask({ path: "/oauth/token", as: operator, form: { grant_type: "client_credentials" } });
  stage.set("HOST", field(host, "access_token"));
  await story(stage, model, bearer("HOST", field(host, "access_token")), field(host, "access_token"));
};

const story = async (stage: Stage, model: Model, host: Caller, hostToken: string): Promise<void> => {
  const { allowed, denied } = questionsIn(model);
  const root = [...model.perimeters.values()].find((perimeter) => perimeter.root);
  if (root === undefined) throw new Error("the access model has no root perimeter");

  stage.chapter(
    "A tenant",
    `In this access model a tenant is an ${root.type}. Whatever it owns stays behind its fence.`,
  );
  const made = await stage.ask({ path: `/v1/${root.collection}`, as: host, json: { display_name: "Acme" } });
  const tenant = field(made, "resource");

  stage.chapter(
    "A role of its own",
    `Beside the built-in roles a tenant has its own. This one may do one thing: \`${allowed}\`.`,
  );
  const role = await stage.ask({
    path: "/v1/roles",
    as: host,
    tenant,
    json: { display_name: "Reader", permissions: [allowed] },
  });

  stage.chapter(
    "A service account",
    "A principal that is no human. Its secret is shown in this answer and never again.",
  );
  const account = await stage.ask({
    path: "/v1/service-accounts",
    as: host,
    json: { parent: tenant, display_name: "Report robot" },
  });
  const robot = field(account, "resource");

  stage.chapter("The role is assigned", "Without this it could get a token, and do nothing with it.");
  const assignment = { parent: tenant, principal: robot, role: field(role, "resource") };
  await stage.ask({ path: "/v1/role-assignments", as: host, json: assignment });

  stage.chapter(
    "Its token, and who it is",
    "The robot asks for a token as any OAuth client does; a gateway that is shown it asks us whose it is.",
  );
  stage.set("ROBOT_ID", field(account, "client_id"));
  stage.set("ROBOT_SECRET", field(account, "client_secret"));
  const own = client(field(account, "client_id"), field(account, "client_secret"), "$ROBOT_ID:$ROBOT_SECRET");
  const token = await stage.ask({
    path: "/oauth/token",
    as: own,
    form: { grant_type: "client_credentials", scope: allowed },
  });
  stage.set("TOKEN", field(token, "access_token"));
  await introspect(stage, host, "TOKEN", field(token, "access_token"), true);

  stage.chapter("An API token", "For programs that cannot do OAuth: narrower than its owner, never without an end.");
  const expires = new Date(Date.now() + dayMs).toISOString();
  const wanted = { owner: robot, display_name: "Nightly report", scopes: [allowed], expire_time: expires };
  const key = await stage.ask({ path: "/v1/api-tokens", as: host, tenant, json: wanted });
  stage.set("API_TOKEN", field(key, "token"));
  await introspect(stage, host, "API_TOKEN", field(key, "token"), true);

  stage.chapter("May it?", `It may do what its role says, \`${allowed}\` …`);
  await evaluate(stage, host, robot, tenant, allowed, true);
  stage.say(`… and nothing else. A no says why:`);
  await evaluate(stage, host, robot, tenant, denied, false);

  stage.chapter("The same question by gRPC", "Gateways that ask on every request use this one.");
  const answer = await stage.grpc(
    "CheckPermission",
    { principal: robot, tenant, permission: allowed, resource: tenant },
    "HOST",
    hostToken,
  );
  expected(answer["allowed"] === true, "the check by gRPC was denied");

  stage.chapter("Revoked", "When this answer is here, no process anywhere says yes to the token any more.");
  await stage.ask({
    path: `/v1/${field(key, "resource")}:revoke`,
    as: host,
    tenant,
    json: { reason: "the tour is over" },
  });
  await introspect(stage, host, "API_TOKEN", field(key, "token"), false);

  stage.chapter(
    "What happened",
    "Every change left an event, written in the change's own transaction. Here the type and the subject of each:",
  );
  // An event gets its place in the stream a moment after its commit: the last one is waited for, then the list is shown.
  const revoked = async (): Promise<boolean> =>
    eventsOf(await stage.look({ method: "GET", path: "/v1/events", as: host, tenant })).some(
      (event) => event["type"] === "countersign.token.revoked.v1",
    );
  for (let asked = 0; !(await revoked()); asked++) expected(asked < 100, "the revocation left no event");
  await stage.ask({ method: "GET", path: "/v1/events", as: host, tenant, show: eventLines });
  stage.say("That was the tour. The same from the command line: `npx countersign --help`.");
};

/** Something the model protects that the robot may do, and something it may not. */
const questionsIn = (model: Model): { readonly allowed: string; readonly denied: string } => {
  const inTenant = model.permissions.filter((name) => {
    const permission = model.vocabulary.get(name);
    return permission !== undefined && !permission.host && model.resources.has(permission.resource);
  });
  const allowed = inTenant.find((name) => name.endsWith(":read")) ?? inTenant[0];
  const denied = inTenant.findLast((name) => name !== allowed && !name.endsWith(":read"));
  if (allowed === undefined || denied === undefined) throw new Error("the access model protects too little for a tour");
  return { allowed, denied };
};

const introspect = async (
  stage: Stage,
  as: Caller,
  variable: string,
  token: string,
  active: boolean,
): Promise<void> => {
  const answer = await stage.ask({ path: "/oauth/introspect", as, form: { token }, variables: { token: variable } });
  expected(answer["active"] === active, `the token should be ${active ? "active" : "inactive"}`);
};

const evaluate = async (
  stage: Stage,
  as: Caller,
  robot: string,
  tenant: string,
  permission: string,
  yes: boolean,
): Promise<void> => {
  const json = {
    subject: { ...entity(robot), properties: { tenant } },
    action: { name: permission },
    resource: entity(tenant),
  };
  const answer = await stage.ask({ path: "/access/v1/evaluation", as, json });
  expected(answer["decision"] === yes, `the decision should be ${yes}`);
};

const entity = (ref: string) => {
  const [type = "", id = ""] = ref.split("/");
  return { type, id };
};

const eventsOf = (body: Body): readonly Body[] => (Array.isArray(body["events"]) ? body["events"] : []);

const eventLines = (body: Body): string =>
  eventsOf(body)
    .map((event) => `\n  ${String(event["type"]).padEnd(48)} ${String(event["subject"])}`)
    .join("");

const field = (body: Body, name: string): string => {
  const value = body[name];
  if (typeof value !== "string") throw new Error(`the answer has no \`${name}\``);
  return value;
};

const expected = (right: boolean, otherwise: string): void => {
  if (!right) throw new Error(`the tour expected something else: ${otherwise}`);
};

const reachable = async (issuer: string): Promise<void> => {
  await fetch(`${issuer}/.well-known/oauth-authorization-server`).catch(() => {
    throw new Error(`no server runs at ${issuer}: start one with \`npm start\`, then run the tour in another terminal`);
  });
};

await main().catch((error: unknown) => {
  process.stderr.write(`${failureText(error)}\n`);
  process.exitCode = 1;
});
