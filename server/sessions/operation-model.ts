/** Sessions as administrators see them: whose, since when, with which browser. Never a secret. */
import Type from "typebox";
import { formatRef, type PrincipalId, principalCollections } from "../../core/ids.ts";
import { id, ref, strict, time } from "../operations/fields.ts";
import type { Acr, Method } from "./model.ts";
import { deviceName } from "./device-name.ts";

export const collection = "sessions";

export type ListedSession = {
  readonly id: string;
  readonly user: PrincipalId;
  readonly state: "partial" | "full" | "ended";
  readonly methods: readonly Method[];
  readonly acr: Acr;
  readonly userAgent: string;
  readonly address: string;
  readonly authTime: Date;
  readonly createTime: Date;
  readonly seenTime: Date;
  readonly expireTime: Date;
  readonly idleSeconds: number;
  readonly endTime: Date | null;
};

/** What a session is now: one that was idle for too long has ended, though nobody has written it down. */
export const stateOf = (session: ListedSession, now: number): "partial" | "active" | "ended" | "expired" => {
  if (session.state === "ended") return "ended";
  const until = Math.min(session.expireTime.getTime(), session.seenTime.getTime() + session.idleSeconds * 1000);
  if (until <= now) return "expired";
  return session.state === "partial" ? "partial" : "active";
};

export const sessionOutput = strict({
  id,
  resource: ref("sessions/{uuid}"),
  user: ref("users/{uuid}"),
  state: Type.Union([Type.Literal("active"), Type.Literal("partial"), Type.Literal("ended"), Type.Literal("expired")], {
    description: "`partial`: the first factor was right, and the second is awaited",
  }),
  device: Type.Union([Type.String(), Type.Null()], { description: "what the browser says it is" }),
  address: Type.String({ description: "the IP address it was begun from" }),
  methods: Type.Array(Type.String(), { description: "how the human proved who they are (RFC 8176)" }),
  acr: Type.String(),
  auth_time: time,
  create_time: time,
  seen_time: time,
  expire_time: time,
  end_time: Type.Union([time, Type.Null()]),
});

export const render = (session: ListedSession, now: number): Type.Static<typeof sessionOutput> => ({
  id: session.id,
  resource: formatRef(collection, session.id),
  user: formatRef(principalCollections.human, session.user),
  state: stateOf(session, now),
  device: deviceName(session.userAgent) ?? null,
  address: session.address,
  methods: [...session.methods],
  acr: session.acr,
  auth_time: session.authTime.toISOString(),
  create_time: session.createTime.toISOString(),
  seen_time: session.seenTime.toISOString(),
  expire_time: session.expireTime.toISOString(),
  end_time: session.endTime?.toISOString() ?? null,
});
