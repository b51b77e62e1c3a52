// An HTTP server between the fleet and the simulated vendors that keeps what went over the wire.

import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";

export interface RecordedRequest {
  readonly path: string;
  readonly body: Record<string, unknown>;
}

export interface RecordingProxy {
  readonly url: string;
  /** Where the requests go on to. */
  forwardTo(url: string): void;
  /** Those with a body, in the order they came. */
  requests(): readonly RecordedRequest[];
  stop(): Promise<void>;
}

export async function startRecordingProxy(): Promise<RecordingProxy> {
  const requests: RecordedRequest[] = [];
  let target = "";
  const server = createServer((request, response) => {
    void (async () => {
      const { method = "GET", url = "/" } = request;
      const body = await buffer(request);
      if (body.length > 0) requests.push({ path: url, body: JSON.parse(body.toString()) as Record<string, unknown> });
      const kept = ["authorization", "content-type", "x-api-key", "anthropic-version"].flatMap((name) => {
        const value = request.headers[name];
        return typeof value === "string" ? [[name, value] as [string, string]] : [];
      });
      const answer = await fetch(`${target}${url}`, { method, headers: kept, ...(body.length > 0 ? { body } : {}) });
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "application/json" });
      response.end(Buffer.from(await answer.arrayBuffer()));
    })().catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    forwardTo: (url) => void (target = url),
    requests: () => requests,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
