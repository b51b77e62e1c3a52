// A proxy that keeps what went over the wire.

import { startForwardingProxy, type ForwardingProxy } from "./forwarding-proxy.ts";

export interface RecordedRequest {
  readonly path: string;
  readonly body: Record<string, unknown>;
}

export interface RecordingProxy extends ForwardingProxy {
  /** Those with a body, in the order they came. */
  requests(): readonly RecordedRequest[];
}

export async function startRecordingProxy(): Promise<RecordingProxy> {
  const requests: RecordedRequest[] = [];
  const proxy = await startForwardingProxy({
    heard(path, body) {
      if (body.length > 0) requests.push({ path, body: JSON.parse(body.toString()) as Record<string, unknown> });
    },
    answer(response, { status, contentType, body }) {
      response.writeHead(status, { "content-type": contentType });
      response.end(body);
    },
  });
  return { ...proxy, requests: () => requests };
}
