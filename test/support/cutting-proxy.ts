// A way to Redis that breaks in the middle of a reply, and is whole again for the next connection.

import { connect, createServer, type Socket } from "node:net";

export interface CuttingProxy {
  readonly url: string;
  /** Lets so many bytes of what Redis answers through, then closes all connections, once. Answers when it has. */
  cutAfter(bytes: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startCuttingProxy(redisUrl: string): Promise<CuttingProxy> {
  const target = new URL(redisUrl);
  const open = new Set<Socket>();
  let cut: { left: number; readonly tell: () => void } | undefined;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (bytes) => upstream.write(bytes));
    upstream.on("data", (bytes) => {
      if (!cut || bytes.length < cut.left) {
        if (cut) cut.left -= bytes.length;
        client.write(bytes);
        return;
      }
      const { left, tell } = cut;
      cut = undefined;
      upstream.removeAllListeners("data");
      client.end(bytes.subarray(0, left), tell);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `redis://127.0.0.1:${port}`,
    cutAfter: (left) => new Promise((tell) => void (cut = { left, tell })),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}
