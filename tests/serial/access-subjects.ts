/** What can end in the tree of what is shared: grants, what a group has and who is in it, and where a thing is. See `subjects.ts`. */
import type { Json, Tenant } from "../oauth/deployment.ts";
import type { Gateway, Make, Question } from "./subjects.ts";

const permission = "documents:read";

const resource = async (tenant: Tenant, parent: string): Promise<string> => {
  const body = { type: "documents", parent, display_name: "A document" };
  return String((await tenant.does("/v1/resources", body))["resource"]);
};

const idOf = (ref: string): string => ref.slice(ref.indexOf("/") + 1);

/** A folder with a folder in it, and a document in that: what is granted on the first reaches all three. */
const nestedIn = async (tenant: Tenant, parent: string): Promise<readonly [string, string, string]> => {
  const folder = await resource(tenant, parent);
  const inner = await resource(tenant, folder);
  return [folder, inner, await resource(tenant, inner)];
};

const asking = (gateway: Gateway, tenant: Tenant, principal: string, places: readonly string[]): readonly Question[] =>
  places.map((place) => (on) => gateway.may(tenant, principal, permission, place, on));

/** Makes something with one call and ends it with another, again and again. */
const remade = async (
  make: (on?: number) => Promise<Json>,
  collection: string,
  tenant: Tenant,
): Promise<{ end(on: number): Promise<unknown>; renew(on: number): Promise<unknown> }> => {
  const current = { id: String((await make())["id"]) };
  return {
    end: (on) => tenant.does(`/v1/${collection}/${current.id}:revoke`, {}, on),
    renew: async (on) => {
      current.id = String((await make(on))["id"]);
    },
  };
};

const ofGrant: Make = async (_deployment, gateway, tenant) => {
  const account = await tenant.account({ role: "member" });
  const places = await nestedIn(tenant, tenant.ref);
  const grant = (on?: number) =>
    tenant.does("/v1/resource-grants", { parent: places[0], principal: account.ref, level: "viewer" }, on);
  return {
    questions: asking(gateway, tenant, account.ref, places),
    ...(await remade(grant, "resource-grants", tenant)),
  };
};

type GroupOf = { readonly ref: string; readonly id: string };
const group = async (tenant: Tenant, members: readonly string[]): Promise<GroupOf> => {
  const made = await tenant.does("/v1/groups", { display_name: `Group ${crypto.randomUUID()}` });
  const id = String(made["id"]);
  await tenant.does(`/v1/groups/${id}:addMembers`, { members });
  return { ref: String(made["resource"]), id };
};

const ofGroupsGrant: Make = async (_deployment, gateway, tenant) => {
  const members = [await tenant.account({ role: "member" }), await tenant.account({ role: "member" })];
  const { ref } = await group(
    tenant,
    members.map((one) => one.ref),
  );
  const [folder, , document] = await nestedIn(tenant, tenant.ref);
  const grant = (on?: number) =>
    tenant.does("/v1/resource-grants", { parent: folder, principal: ref, level: "viewer" }, on);
  return {
    questions: members.flatMap((one) => asking(gateway, tenant, one.ref, [folder, document])),
    ...(await remade(grant, "resource-grants", tenant)),
  };
};

const ofGroupsAssignment: Make = async (_deployment, gateway, tenant) => {
  const account = await tenant.account();
  const { ref } = await group(tenant, [account.ref]);
  const [folder, , document] = await nestedIn(tenant, tenant.ref);
  const assign = (on?: number) =>
    tenant.does("/v1/role-assignments", { parent: tenant.ref, principal: ref, role: "owner" }, on);
  return {
    questions: asking(gateway, tenant, account.ref, [folder, document]),
    ...(await remade(assign, "role-assignments", tenant)),
  };
};

/** A member of a group that is in another, which is what has the grant. `of` says which of the two it leaves. */
const ofMembership =
  (of: "inner" | "outer"): Make =>
  async (_deployment, gateway, tenant) => {
    const account = await tenant.account({ role: "member" });
    const inner = await group(tenant, [account.ref]);
    const outer = await group(tenant, [inner.ref]);
    const [folder, , document] = await nestedIn(tenant, tenant.ref);
    await tenant.does("/v1/resource-grants", { parent: folder, principal: outer.ref, level: "viewer" });
    const [id, members] = of === "inner" ? [inner.id, [account.ref]] : [outer.id, [inner.ref]];
    return {
      questions: asking(gateway, tenant, account.ref, [folder, document]),
      end: (on) => tenant.does(`/v1/groups/${id}:removeMembers`, { members }, on),
      renew: (on) => tenant.does(`/v1/groups/${id}:addMembers`, { members }, on),
    };
  };

const ofPlace: Make = async (_deployment, gateway, tenant) => {
  const account = await tenant.account({ role: "member" });
  const [shared, inner, document] = await nestedIn(tenant, tenant.ref);
  const elsewhere = await resource(tenant, tenant.ref);
  await tenant.does("/v1/resource-grants", { parent: shared, principal: account.ref, level: "viewer" });
  const move = (parent: string, on: number) => tenant.does(`/v1/resources/${idOf(inner)}:move`, { parent }, on);
  return {
    questions: asking(gateway, tenant, account.ref, [inner, document]),
    end: (on) => move(elsewhere, on),
    renew: (on) => move(shared, on),
  };
};

const ofPerimeter: Make = async (_deployment, gateway, tenant) => {
  const [here, elsewhere] = [await tenant.perimeter("clients"), await tenant.perimeter("clients")];
  const place = await tenant.perimeter("accounts", here.ref);
  const account = await tenant.account();
  await tenant.does("/v1/role-assignments", { parent: here.ref, principal: account.ref, role: "owner" });
  const [folder, , document] = await nestedIn(tenant, place.ref);
  const move = (parent: string, on: number) => tenant.does(`/v1/accounts/${place.id}:move`, { parent }, on);
  return {
    questions: asking(gateway, tenant, account.ref, [folder, document]),
    end: (on) => move(elsewhere.ref, on),
    renew: (on) => move(here.ref, on),
  };
};

export const accessSubjects: Readonly<Record<string, Make>> = {
  "a revoked grant": ofGrant,
  "a group's revoked grant": ofGroupsGrant,
  "a group's revoked assignment": ofGroupsAssignment,
  "a member taken out of a group": ofMembership("inner"),
  "a group taken out of a group": ofMembership("outer"),
  "a document moved to where nothing is shared": ofPlace,
  "an account moved to another client": ofPerimeter,
};
