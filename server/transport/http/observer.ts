/** How requests are counted; label values come from the route table alone, never from the request. */
export type HttpObserver = { finished(route: string, method: string, status: number, seconds: number): void };
