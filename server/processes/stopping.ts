/** SIGTERM and SIGINT, once: the first asks for an orderly end, the second does not wait for it. */
export const onStop = (stop: () => Promise<void>): void => {
  const asked = { already: false };
  const hear = (signal: NodeJS.Signals): void => {
    if (asked.already) process.exit(130);
    asked.already = true;
    void stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`stopping after ${signal} went wrong: ${String(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", hear);
  process.on("SIGINT", hear);
};
