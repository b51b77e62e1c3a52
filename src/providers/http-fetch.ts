// HTTP for the vendors' SDKs: the `fetch` they are given, over Node's shared keep-alive agents.
//
// Node's own fetch ends every request whose headers take longer than five minutes, whatever the SDK's time limit, and costs about a seventh
// more CPU per call. This one reads the whole body before it resolves, so one abort signal covers a trickling body too. It follows no
// redirects: a vendor's API has none, and a key must not travel to where one points.

import http from "node:http";
import https from "node:https";

const LONGEST_BODY = 64 * 1024 * 1024;
const failedBodies = new WeakMap<Headers, string>();

/** What the SDKs take of `fetch`. Rejects with Node's own error (`code` says which) or an AbortError. */
export function httpFetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  return new Promise((resolve, reject) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const body = typeof init.body === "string" ? init.body : undefined;
    const headers: Record<string, string> = Object.fromEntries(new Headers(init.headers));
    if (body !== undefined) headers["content-length"] = String(Buffer.byteLength(body));
    const { request } = url.protocol === "https:" ? https : http;
    const outgoing = request(
      url,
      { method: init.method ?? "GET", headers, ...(init.signal ? { signal: init.signal } : {}) },
      (incoming) => {
        readBody(incoming).then((text) => resolve(toResponse(url, incoming, text)), reject);
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/**
 * The body of a failed response, by the headers the SDK's error carries. (The SDKs keep a parsed error only where it has the vendor's
 * own envelope; compatible servers have many others.)
 */
export function failedBody(headers: Headers): string | undefined {
  return failedBodies.get(headers);
}

function readBody(incoming: http.IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    incoming.setEncoding("utf8");
    incoming.on("data", (chunk: string) => {
      text += chunk;
      if (text.length > LONGEST_BODY) incoming.destroy(new Error(`the answer is longer than ${LONGEST_BODY} characters`));
    });
    incoming.on("end", () => resolve(text));
    incoming.on("error", reject);
  });
}

/** The part of a Response that the SDKs read; a real one costs a stream per call. */
function toResponse(url: URL, incoming: http.IncomingMessage, text: string): Response {
  const status = incoming.statusCode ?? 0;
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) if (value !== undefined) headers.set(name, String(value));
  const ok = status >= 200 && status < 300;
  if (!ok) failedBodies.set(headers, text);
  const response = {
    ok,
    status,
    headers,
    url: url.href,
    body: null,
    text: async () => text,
    json: async () => JSON.parse(text) as unknown,
  };
  return response as unknown as Response;
}
