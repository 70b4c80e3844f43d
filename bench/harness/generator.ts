/** The orchestrator's hold on the load generator's process (load.ts): one order at a time, each answered. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Order, Reply, Span, Target, Window } from "./load.ts";

export type Generator = {
  open(target: Target): Promise<void>;
  /** The first `count` requests' answers, in order. Throws where one is refused. */
  ask(name: string, count: number): Promise<readonly Uint8Array[]>;
  run(name: string, span: Span): Promise<Window>;
  stop(): Promise<void>;
};

/** Starts it wherever this process may run: call `leaveServerCore` first. */
export const startGenerator = (): Generator => {
  const child = fork(fileURLToPath(new URL("./load.ts", import.meta.url)), { serialization: "advanced" });
  const died = once(child, "exit").then(([code]) => Promise.reject(new Error(`the load generator ended with ${code}`)));
  died.catch(() => {});
  const tell = async <T>(order: Order): Promise<T> => {
    const reply = once(child, "message") as Promise<[Reply]>;
    child.send(order);
    const [answer] = await Promise.race([reply, died]);
    if ("failed" in answer) throw new Error(answer.failed);
    return answer.done as T;
  };
  return {
    open: (target) => tell({ order: "open", target }),
    ask: (name, count) => tell({ order: "ask", name, count }),
    run: (name, span) => tell({ order: "run", name, span }),
    stop: async () => {
      if (child.exitCode !== null) return;
      const exit = once(child, "exit");
      child.disconnect();
      await exit;
    },
  };
};
