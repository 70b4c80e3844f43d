/** What the rows of `hot-path` are called, in the table and in the JSON. */
export const rowNames = {
  floorHttp: "floor A: node:http, SHA-256, GET",
  floorGrpc: "floor B: grpc-js, GET",
  oidcIntrospect: "oidc-provider: introspect opaque",
  oidcToken: "oidc-provider: token, JWT",
  ours: {
    introspectJwt: "introspect JWT",
    introspectOpaque: "introspect opaque",
    introspectApiToken: "introspect API token",
    token: "token, JWT",
    grpcIntrospect: "gRPC IntrospectToken",
    grpcCheck: "gRPC CheckPermission, warm",
    grpcCheckCold: "gRPC CheckPermission, cold",
  },
  decide: "decide",
  casl: "decide: CASL",
  casbin: "decide: casbin",
  cedar: "decide: cedar-wasm",
} as const;
