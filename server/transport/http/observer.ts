/** Told of every answer, to count it and to log it. The route is the table's, never the request's own path. */
export type HttpObserver = {
  finished(route: string, method: string, status: number, seconds: number, requestId: string): void;
};
