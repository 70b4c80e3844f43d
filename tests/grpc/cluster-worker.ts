// One node:cluster worker of the shared-port test: serves, says its port, and names itself in every answer.
import cluster from "node:cluster";
import { startGrpc } from "../../server/transport/grpc/server.ts";
import { optionsWith, permitted } from "./support.ts";

const name = String(cluster.worker?.id);
const server = await startGrpc(
  optionsWith({
    checkPermission: async () => ({
      ...permitted,
      reasons: [
        { code: name, text: "", role: "", assignment: "", anchor: "", grant: "", level: "", via: "", condition: "" },
      ],
    }),
  }),
);
process.send?.({ port: server.port });
process.on("message", () => void server.drain(5_000).then(() => cluster.worker?.disconnect()));
