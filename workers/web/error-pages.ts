// What is said when there is nothing to show: a page that is not there, Redis away, a fault of ours. Never a stack trace, never what a fault's message may hold.

import { STATUS_CODES } from "node:http";
import type { ErrorRequestHandler, RequestHandler, Response } from "express";
import { StoppedError } from "../../src/job/errors.ts";
import type { Logger } from "../../src/runtime/logger.ts";

const PLACES = ["/", "/queues", "/metrics", "/api/status", "/healthz", "/readyz"] as const;
const CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

export function notFound(): RequestHandler {
  return (req, res) => {
    const method = req.method === "GET" || req.method === "HEAD" ? "" : ` that takes ${req.method}`;
    sendProblem(res, 404, `there is no page ${req.path.slice(0, 200)}${method}; there are ${PLACES.join(", ")}`);
  };
}

export function answerErrors(log: Logger): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    if (res.headersSent) return next(error);
    if (error instanceof StoppedError) return sendProblem(res, 503, error.hint ? `${error.message}. ${error.hint}` : error.message);
    const status = statusOf(error);
    if (status >= 500) log.error({ path: req.path, err: error }, "a request failed");
    sendProblem(
      res,
      status,
      status >= 500 ? "this request failed; the log of this process has the reason" : (STATUS_CODES[status] ?? "bad request").toLowerCase(),
    );
  };
}

/** JSON for programs, a small page for browsers. */
function sendProblem(res: Response, status: number, problem: string): void {
  res.status(status);
  res.format({
    json: () => res.json({ error: problem }),
    html: () => res.set("Content-Security-Policy", CONTENT_POLICY).send(problemPage(status, problem)),
    default: () => res.json({ error: problem }),
  });
}

function problemPage(status: number, problem: string): string {
  const title = `${status} ${STATUS_CODES[status] ?? ""}`;
  const text = escapeHtml(`${problem.charAt(0).toUpperCase()}${problem.slice(1)}.`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title} · modelfleet</title>
<style>:root { color-scheme: light dark } body { font: 16px/1.5 system-ui, sans-serif; max-width: 40em; margin: 15vh auto; padding: 0 20px; overflow-wrap: anywhere }</style>
</head><body><h1>${title}</h1><p>${text}</p><p><a href="/">To the dashboard</a></p></body></html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** Errors of express and its parsers carry the status they mean. */
function statusOf(error: unknown): number {
  const { status } = error as { readonly status?: unknown };
  return typeof status === "number" && status >= 400 && status < 500 ? status : 500;
}
