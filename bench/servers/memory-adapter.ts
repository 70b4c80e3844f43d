/**
 * Storage in the process's memory for `oidc-provider`, as its own adapter is, but without its bound of a thousand entries: under load
 * that one forgets grants whose tokens are still in use.
 */
/** What is kept, as far as it is looked at here. */
type Payload = { readonly uid?: string; readonly grantId?: string; consumed?: number };

const stored = new Map<string, Payload>();
const ofGrant = new Map<string, string[]>();

const grantable: ReadonlySet<string> = new Set(["AccessToken", "AuthorizationCode", "RefreshToken", "DeviceCode"]);

export const memoryAdapter = (model: string) => {
  const keyOf = (id: string): string => `${model}:${id}`;
  return {
    upsert: async (id: string, payload: Payload) => {
      const key = keyOf(id);
      if (payload.uid !== undefined) stored.set(`uid:${payload.uid}`, payload);
      if (payload.grantId !== undefined && grantable.has(model)) {
        const keys = ofGrant.get(payload.grantId);
        if (keys === undefined) ofGrant.set(payload.grantId, [key]);
        else keys.push(key);
      }
      stored.set(key, payload);
    },
    find: async (id: string) => stored.get(keyOf(id)),
    findByUid: async (uid: string) => stored.get(`uid:${uid}`),
    findByUserCode: async () => undefined,
    consume: async (id: string) => {
      const found = stored.get(keyOf(id));
      if (found !== undefined) found.consumed = Math.floor(performance.timeOrigin / 1000);
    },
    destroy: async (id: string) => void stored.delete(keyOf(id)),
    revokeByGrantId: async (grant: string) => {
      for (const key of ofGrant.get(grant) ?? []) stored.delete(key);
      ofGrant.delete(grant);
    },
  };
};
