/** What the first process and its workers say to each other. */
export type ToWorker = { readonly kind: "ready?"; readonly nonce: number };

export type ToPrimary =
  | { readonly kind: "listening"; readonly http: number; readonly grpc: number }
  | { readonly kind: "ready"; readonly nonce: number; readonly ready: boolean };
