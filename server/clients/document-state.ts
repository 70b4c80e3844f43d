/** What a process remembers of clients' metadata documents: until when each is fresh, and which are being read right now. No errors. */
export type DocumentState = {
  readonly freshUntil: Map<string, number>;
  readonly reading: Map<string, Promise<void>>;
  /** How many were read that were never seen before, in the minute at hand. */
  readonly recent: { minute: number; read: number };
};

export const openDocumentState = (): DocumentState => ({
  freshUntil: new Map(),
  reading: new Map(),
  recent: { minute: 0, read: 0 },
});
