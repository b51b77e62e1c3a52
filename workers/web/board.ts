// Bull Board: every queue of the fleet, to look at. Deleting or moving a queued job by hand would lose its row or double it, so nothing can be changed but
// the dead letters: they are a view, Retry re-opens their row, removing one loses nothing.

import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import type { AppJob, BeforeHookResult, ControllerHandlerReturnType, HookContext } from "@bull-board/api/typings/app";
import { ExpressAdapter } from "@bull-board/express";
import { Router } from "express";
import { DEAD_QUEUE, parseQueueName } from "../../src/runtime/keys.ts";
import { PARK_LIMIT, queueNames, queueTitle } from "../../queues/queue-depths.ts";
import type { ProcessContext } from "../process-context.ts";
import { LOGO } from "./logo.ts";
import { createSharedReading } from "./shared-reading.ts";
import { shorten, shortenText } from "./shorten.ts";

/** Queues that appeared since are found when somebody looks, at most this late. */
const NEW_QUEUES_MS = 1_000;
const REDIS_TIMEOUT_MS = 3_000;

/** Bull Board's own style element and its inline styles; nothing from other servers. */
const CONTENT_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

/** What may be done with dead letters, as Bull Board's own routes. */
const ALLOWED_CHANGES: ReadonlySet<string> = new Set([
  "put /api/queues/:queueName/:jobId/retry",
  "put /api/queues/:queueName/:jobId/clean",
  "put /api/queues/:queueName/retry/:queueStatus",
  "put /api/queues/:queueName/clean/:queueStatus",
]);

/** The board as a router, for `basePath`. */
export function createBoard(context: Pick<ProcessContext, "fleet" | "queues" | "redis" | "clock">, basePath: string): Router {
  const { queues, redis, clock } = context;
  const serverAdapter = new ExpressAdapter().setBasePath(basePath);
  const adapters = new Map<string, BullMQAdapter>();

  const refresh = createSharedReading(
    async () => {
      for (const name of await queueNames(context)) {
        if (adapters.has(name)) continue;
        const adapter = adapterFor(name);
        adapters.set(name, adapter);
        board.addQueue(adapter);
      }
    },
    { clock, maxAgeMs: NEW_QUEUES_MS, timeoutMs: REDIS_TIMEOUT_MS },
  );

  const adapterFor = (name: string): BullMQAdapter => {
    const isDead = name === DEAD_QUEUE;
    const queue = queues.queue(name);
    const adapter = new BullMQAdapter(queue, {
      readOnlyMode: !isDead,
      allowRetries: isDead,
      displayName: queueTitle(name),
      description: descriptionOf(name),
      delimiter: ":",
    });
    adapter.getName = () => boardName(name);
    // The window of a model worker's own limiter, which never limits, isn't a park.
    adapter.getActiveRateLimitTtl = () => queue.getRateLimitTtl(PARK_LIMIT);
    adapter.setFormatter("data", shorten);
    adapter.setFormatter("returnValue", shorten);
    adapter.setFormatter("progress", shorten);
    return adapter;
  };

  const before = async ({ method, route, request }: HookContext): Promise<BeforeHookResult> => {
    if (redis.status !== "ready") return { allow: false, status: 500, message: "Redis is away: this page goes on when it is back" };
    await refresh();
    const isAllowed =
      method === "get" || (ALLOWED_CHANGES.has(`${method} ${route}`) && request.params["queueName"] === boardName(DEAD_QUEUE));
    if (isAllowed) return;
    return { allow: false, status: 403, message: "only dead letters can be retried and removed here; everything else is read-only" };
  };

  const board = createBullBoard({
    queues: [],
    // The adapter's types are of the copy of @bull-board/api that it brings itself.
    serverAdapter: serverAdapter,
    options: {
      uiConfig: {
        boardTitle: "modelfleet queues",
        boardLogo: { path: LOGO, width: 24, height: 24 },
        favIcon: { default: LOGO, alternative: "static/favicon-32x32.png" },
        overview: { groupByDelimiter: true },
        miscLinks: [
          { text: "Dashboard", url: "/" },
          { text: "Metrics", url: "/metrics" },
        ],
        hideDocsLink: true,
        showMetrics: false,
        theme: { light: FONTS, dark: FONTS },
      },
      handlerHooks: { before, after: (_context, result) => withoutTraces(result) },
    },
  });

  const router = Router();
  router.use((_req, res, next) => {
    res.set("Content-Security-Policy", CONTENT_POLICY);
    next();
  });
  // Whoever knows a queue by its name in Redis finds it too.
  router.get("/queue/:name", (req, res, next) => {
    const { name } = req.params;
    if (boardName(name) === name) return next();
    res.redirect(`${basePath}/queue/${encodeURIComponent(boardName(name))}`);
  });
  const app = serverAdapter.getRouter() as Router & { disable(setting: string): void };
  app.disable("x-powered-by");
  router.use(app);
  return router;
}

/**
 * The name of a queue on the board and in its addresses: `task:classify-ticket`, `model:openai:gpt-5-mini`, `reroute`, `dead`. The board groups by the
 * colons; a dot would take vendors' version numbers apart.
 */
export function boardName(queue: string): string {
  return queue.replace(/^\{(.*)\}$/, "$1").replace(/^(task|model\.[^.]*)\./, (start) => start.replaceAll(".", ":"));
}

/** Bull Board asks Google for its own fonts, which the policy above refuses: the system's serve. */
const FONTS = { "font-sans": "system-ui, sans-serif", "font-mono": "ui-monospace, monospace" } as const;

function descriptionOf(name: string): string {
  const parsed = parseQueueName(name);
  switch (parsed?.kind) {
    case "task":
      return "Jobs that wait for a model. Read-only.";
    case "model":
      return "Calls bound to this model: what it takes in the next seconds. Read-only.";
    case "reroute":
      return "Jobs whose step brought no answer, on their way to another model. Read-only.";
    case "dead":
      return "The last rows that ended without an answer. Retry opens the row again; removing a letter loses nothing.";
    case undefined:
      return "";
    default:
      return parsed satisfies never;
  }
}

/** Errors are shown by their reason: where in our code they were thrown helps nobody, and a vendor's message may be long. */
function withoutTraces(result: ControllerHandlerReturnType): ControllerHandlerReturnType {
  const body = result.body as { readonly job?: AppJob; readonly queues?: readonly { readonly jobs: readonly AppJob[] }[] };
  if (body.job) tidy(body.job);
  for (const queue of body.queues ?? []) queue.jobs.forEach(tidy);
  return result;
}

function tidy(job: AppJob): void {
  Object.assign(job, { stacktrace: [], ...(job.failedReason ? { failedReason: shortenText(job.failedReason) } : {}) });
}
