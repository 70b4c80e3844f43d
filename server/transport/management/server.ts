/** The management port: health for orchestrators, metrics for Prometheus. Not for the public, so it listens apart. */
import { createServer, type Server } from "node:http";

export type ManagementNeeds = {
  readonly host: string;
  readonly port: number;
  /** True once start-up has finished. */
  readonly started: () => boolean;
  /** Whether requests should be sent here: started, not draining, and the database answers. */
  readonly ready: () => Promise<boolean>;
  /** The Prometheus text and its content type. */
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>;
};

type Answer = { readonly status: number; readonly type: string; readonly text: string };
const said = (yes: boolean): Answer => ({
  status: yes ? 200 : 503,
  type: "application/json",
  text: JSON.stringify({ status: yes ? "ok" : "unavailable" }),
});

export const startManagement = async (needs: ManagementNeeds): Promise<Server> => {
  const answer = async (path: string): Promise<Answer> => {
    switch (path) {
      case "/health/live":
        return said(true);
      case "/health/started":
        return said(needs.started());
      case "/health/ready":
        return said(needs.started() && (await needs.ready()));
      case "/metrics":
        return { status: 200, ...(await needs.metrics()) };
      default:
        return { status: 404, type: "application/json", text: JSON.stringify({ status: "not found" }) };
    }
  };
  const server = createServer((request, response) => {
    void answer(request.url?.split("?", 1)[0] ?? "/")
      .catch((): Answer => said(false))
      .then(({ status, type, text }) => response.writeHead(status, { "content-type": type }).end(text));
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(needs.port, needs.host, () => {
      server.off("error", failed);
      listening();
    });
  });
  return server;
};
