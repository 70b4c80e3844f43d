// TypeScript for Envoy's ext_authz messages, made as those of identity.v1 are.
import { messagesOf } from "./protobuf.ts";

export const path = "server/transport/grpc/generated/envoy/service/auth/v3/external_auth.ts";

export const generate = (): Promise<string> => messagesOf(path);
