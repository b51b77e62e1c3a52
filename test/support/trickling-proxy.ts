// An HTTP server between the fleet and the simulated vendors that passes answers on so slowly that the whole never comes.

import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";

export interface TricklingProxy {
  readonly url: string;
  /** Where the requests go on to. */
  forwardTo(url: string): void;
  stop(): Promise<void>;
}

const BYTE_EVERY_MS = 50;
/** Of each answer, so that no test's patience outlasts it. */
const LONGEST_MS = 10 * 60_000;

/** Status and headers go out at once, then a byte at a time: a space before the answer, which JSON allows. */
export async function startTricklingProxy(): Promise<TricklingProxy> {
  let target = "";
  const server = createServer((request, response) => {
    void (async () => {
      const { method = "GET", url = "/" } = request;
      const body = await buffer(request);
      const headers = Object.entries(request.headers).filter(
        (entry): entry is [string, string] =>
          /^(authorization|x-api-key|content-type|anthropic-version)$/.test(entry[0]) && typeof entry[1] === "string",
      );
      const answer = await fetch(`${target}${url}`, { method, headers, ...(body.length > 0 ? { body } : {}) });
      const whole = Buffer.from(await answer.arrayBuffer());
      const spaces = LONGEST_MS / BYTE_EVERY_MS;
      response.writeHead(answer.status, { "content-type": "application/json", "content-length": whole.length + spaces });
      const timer = setInterval(() => response.write(" "), BYTE_EVERY_MS);
      response.once("close", () => clearInterval(timer));
    })().catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    forwardTo: (url) => void (target = url),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
