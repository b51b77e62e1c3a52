// The simulator's HTTP side: reads requests, hands them to their vendor or to the control endpoint, and sends (or breaks off) what comes back.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import type { Clock } from "../runtime/clock.ts";
import type { Handling, Reply, SimulatedVendor } from "./simulated-vendor.ts";

export interface ControlRequest {
  readonly method: string;
  /** Below `/_control/`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

export interface SimulatorServer {
  /** Rejects when the port is taken. */
  start(): Promise<{ readonly url: string; readonly port: number }>;
  /** Breaks off what is under way. */
  stop(): Promise<void>;
}

/** The largest body any of the vendors takes. */
const MAX_BODY_BYTES = 32 * 2 ** 20;
/** Callers keep idle connections; one closed under their hands would look like a fault. */
const KEEP_ALIVE_MS = 600_000;

export function createSimulatorServer(options: {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly vendors: ReadonlyMap<string, SimulatedVendor>;
  readonly control: (request: ControlRequest) => { readonly status: number; readonly body: object };
}): SimulatorServer {
  const stopping = new AbortController();
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 }, (req, res) => {
    readBody(req, (body) => route(req, res, body));
  });

  const route = (req: IncomingMessage, res: ServerResponse, body: string | undefined) => {
    const [path = "/", query = ""] = (req.url ?? "/").split("?", 2);
    const method = req.method ?? "GET";
    if (path.startsWith("/_control/")) {
      const answer = options.control({
        method,
        path: path.slice("/_control/".length),
        query: new URLSearchParams(query),
        body: body ?? "",
      });
      return sendJson(res, answer.status, answer.body);
    }
    const [, name = "", rest = "/"] = /^\/([^/]*)(\/.*)?$/.exec(path) ?? [];
    const vendor = options.vendors.get(name);
    if (!vendor) {
      const message = `No vendor is simulated at ${path}. Base paths: ${[...options.vendors.keys()].map((each) => `/${each}`).join(", ")}.`;
      return sendJson(res, 404, { error: { message } });
    }
    answerCall(req, res, vendor.handle({ method, path: rest, headers: req.headers, body }));
  };

  const answerCall = (req: IncomingMessage, res: ServerResponse, handling: Handling) => {
    let reply: Reply | undefined;
    let isGone = req.socket.destroyed;
    res.once("close", () => {
      isGone = true;
      // While the answer is still being produced, its end is told after that.
      if (reply) handling.end(res.writableFinished ? "delivered" : reply.kind === "cut" || reply.kind === "drop" ? "cut" : "caller-left");
    });
    const finish = () => {
      const produced = handling.produce();
      if (isGone) return handling.end("caller-left");
      reply = produced;
      sendReply(req, res, reply);
    };
    if (handling.afterMs <= 0) return finish();
    void options.clock.sleep(handling.afterMs, stopping.signal).then(() => {
      if (!stopping.signal.aborted) finish();
    });
  };

  return {
    start: () =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(options.port, options.host, () => {
          server.off("error", reject);
          const { port } = server.address() as AddressInfo;
          const host = options.host.includes(":") ? `[${options.host}]` : options.host;
          resolve({ url: `http://${host}:${port}`, port });
        });
      }),
    stop: () =>
      new Promise((resolve) => {
        stopping.abort();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Undefined when it is too large; a request that breaks off is never routed. */
function readBody(req: IncomingMessage, done: (body: string | undefined) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  req.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  });
  req.on("end", () =>
    done(bytes > MAX_BODY_BYTES ? undefined : chunks.length === 1 ? chunks[0]?.toString("utf8") : Buffer.concat(chunks).toString("utf8")),
  );
  req.on("error", () => {});
}

function sendReply(req: IncomingMessage, res: ServerResponse, reply: Reply): void {
  switch (reply.kind) {
    case "send":
      res.writeHead(reply.status, { ...reply.headers, "content-length": Buffer.byteLength(reply.body) });
      res.end(reply.body);
      return;
    case "cut": {
      const body = Buffer.from(reply.body);
      res.writeHead(reply.status, { ...reply.headers, "content-length": body.length });
      res.write(body.subarray(0, body.length >> 1), () => req.socket.resetAndDestroy());
      return;
    }
    case "drop":
      req.socket.resetAndDestroy();
      return;
    case "hang":
      return;
  }
}

function sendJson(res: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  res.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  res.end(text);
}
