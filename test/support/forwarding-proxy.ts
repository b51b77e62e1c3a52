// An HTTP server between the fleet and the simulated vendors: passes requests on, and leaves it to its maker what becomes of the answers.

import { createServer, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

export interface ForwardingProxy {
  readonly url: string;
  /** Where the requests go on to. */
  forwardTo(url: string): void;
  stop(): Promise<void>;
}

export interface VendorReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

export async function startForwardingProxy(options: {
  /** A request, before it goes on. */
  readonly heard?: (path: string, body: Buffer) => void;
  readonly answer: (response: ServerResponse, reply: VendorReply) => void;
}): Promise<ForwardingProxy> {
  let target = "";
  const server = createServer((request, response) => {
    void (async () => {
      const { method = "GET", url = "/" } = request;
      const body = await buffer(request);
      options.heard?.(url, body);
      const headers = ["authorization", "content-type", "x-api-key", "anthropic-version"].flatMap((name) => {
        const value = request.headers[name];
        return typeof value === "string" ? [[name, value] as [string, string]] : [];
      });
      const answer = await fetch(`${target}${url}`, { method, headers, ...(body.length > 0 ? { body } : {}) });
      const contentType = answer.headers.get("content-type") ?? "application/json";
      options.answer(response, { status: answer.status, contentType, body: Buffer.from(await answer.arrayBuffer()) });
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
