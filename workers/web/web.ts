// The web process: dashboard, Bull Board, metrics and health over HTTP. It only looks, and lets dead letters be retried; everything it shows it reads from Redis.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { readFleetCounters } from "../../src/cost/redis-live-totals.ts";
import { StoppedError } from "../../src/job/errors.ts";
import { readFleetStatus } from "../../queues/fleet-status.ts";
import type { FleetPart, ProcessContext } from "../process-context.ts";
import { guardAccess, isLoopbackAddress, securityHeaders } from "./access.ts";
import { createBoard } from "./board.ts";
import { DASHBOARD_PAGE, DASHBOARD_POLICY } from "./dashboard-page.ts";
import { answerErrors, notFound } from "./error-pages.ts";
import { METRICS_CONTENT_TYPE, renderMetrics } from "./metrics.ts";
import { createSharedReading, within } from "./shared-reading.ts";

const STATUS_AGE_MS = 500;
const STATUS_TIMEOUT_MS = 3_000;
const READY_TIMEOUT_MS = 1_000;
/** Metrics count more batches than a page shows. */
const METRICS_BATCHES = 1_000;

/**
 * Listens on the configured host and port (0: any free one; `url` tells which).
 * @throws StoppedError when it can't listen there.
 */
export async function createWeb(context: ProcessContext): Promise<FleetPart & { readonly url: string }> {
  const { fleet, clock, log } = context;
  const { host, port } = fleet.web;
  const server = createServer();
  const address = await listen(server, { host, port });
  const isLoopback = isLoopbackAddress(address.address);
  server.on("error", (error) => log.error({ err: error }, "the web server failed to take a connection"));
  server.on("request", createApp(context, { isLoopback, host }));
  const url = urlOf(host, address);
  if (isLoopback) log.info({ url }, "the web pages listen on loopback only");
  else {
    log.warn(
      { host, port: address.port },
      "the web pages have no keys yet: whoever can reach this port can read every queued job and retry dead letters. Let only people you trust reach it, or set web: { host: 127.0.0.1 }",
    );
  }

  let stopping: Promise<void> | undefined;
  return {
    url,
    stop(graceMs) {
      stopping ??= close(server, graceMs, clock);
      return stopping;
    },
  };
}

function createApp(context: ProcessContext, access: { readonly isLoopback: boolean; readonly host: string }): express.Express {
  const { redis, clock, log } = context;
  const reading = { clock, maxAgeMs: STATUS_AGE_MS, timeoutMs: STATUS_TIMEOUT_MS };
  const readStatus = createSharedReading(() => readFleetStatus(context), reading);
  const readMetrics = createSharedReading(async () => {
    const [status, counters] = await Promise.all([
      readFleetStatus({ ...context, batchLimit: METRICS_BATCHES }),
      readFleetCounters(context.redis),
    ]);
    return renderMetrics(status, counters);
  }, reading);

  const app = express();
  app.disable("x-powered-by");
  app.use(securityHeaders(), guardAccess(access));
  app.get("/", (_req, res) => {
    res.set({ "Content-Security-Policy": DASHBOARD_POLICY, "Cache-Control": "no-cache" }).type("html").send(DASHBOARD_PAGE);
  });
  app.get("/api/status", async (_req, res) => {
    res.set("Cache-Control", "no-store").json(await readStatus());
  });
  app.get("/metrics", async (_req, res) => {
    res.set({ "Content-Type": METRICS_CONTENT_TYPE, "Cache-Control": "no-store" }).send(await readMetrics());
  });
  app.get("/healthz", (_req, res) => {
    res.type("text").send("ok\n");
  });
  app.get("/readyz", async (_req, res) => {
    // A connection that is down keeps questions until it is back, so it isn't asked.
    const isReady = redis.status === "ready" && (await within(redis.ping(), READY_TIMEOUT_MS, clock).then(isPong, () => false));
    res
      .status(isReady ? 200 : 503)
      .type("text")
      .send(isReady ? "ready\n" : "Redis does not answer\n");
  });
  app.use("/queues", createBoard(context, "/queues"));
  app.use(notFound(), answerErrors(log));
  return app;
}

const isPong = (reply: string) => reply === "PONG";

async function listen(server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<AddressInfo> {
  server.listen({ host, port });
  try {
    await once(server, "listening");
  } catch (error) {
    throw cannotListen(error as NodeJS.ErrnoException, host, port);
  }
  return server.address() as AddressInfo;
}

function cannotListen(error: NodeJS.ErrnoException, host: string, port: number): StoppedError {
  switch (error.code) {
    case "EADDRINUSE":
      return new StoppedError(
        `port ${port} of ${host} is taken by another program`,
        "Set another one in the configuration: web: { port: 3001 }.",
      );
    case "EACCES":
      return new StoppedError(`this user may not listen on port ${port}`, "Set one above 1023 in the configuration: web: { port: 3000 }.");
    default:
      return new StoppedError(`can't listen on ${host}, port ${port}: ${error.message}`, "Check web: { host, port } in the configuration.");
  }
}

/** For people to click: a server that listens everywhere is shown under this machine's own name for itself. */
function urlOf(host: string, { address, port }: AddressInfo): string {
  const isEverywhere = address === "0.0.0.0" || address === "::";
  const name = isEverywhere ? "localhost" : host.includes(":") ? `[${host}]` : host;
  return `http://${name}:${port}`;
}

async function close(server: Server, graceMs: number, clock: ProcessContext["clock"]): Promise<void> {
  const closed = once(server, "close");
  server.close();
  const inTime = new AbortController();
  await Promise.race([closed, clock.sleep(graceMs, inTime.signal)]);
  inTime.abort();
  server.closeAllConnections();
  await closed;
}
