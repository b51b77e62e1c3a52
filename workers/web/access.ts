// Who may ask. There are no keys yet, so whoever reaches the port may read; what a browser can be tricked into is refused:
// reading through a name that an attacker's DNS turns into this machine (rebinding), and changing anything from a foreign page.

import type { RequestHandler } from "express";

export interface AccessOptions {
  /** Listening on loopback only: then just the names of loopback, and the configured one, are believed. */
  readonly isLoopback: boolean;
  readonly host: string;
}

const SECURITY_HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
} as const;

export function securityHeaders(): RequestHandler {
  return (_req, res, next) => {
    res.set(SECURITY_HEADERS);
    next();
  };
}

export function guardAccess(options: AccessOptions): RequestHandler {
  return (req, res, next) => {
    const refusal =
      refuseHost(req.headers.host, options) ??
      refuseOrigin(req.method, { host: req.headers.host, origin: req.headers.origin, site: req.get("sec-fetch-site") });
    if (refusal === undefined) return next();
    res.status(403).json({ error: refusal });
  };
}

/** Why the Host header is not believed; undefined when it is. */
export function refuseHost(header: string | undefined, { isLoopback, host }: AccessOptions): string | undefined {
  if (!isLoopback) return undefined;
  const name = hostname(header ?? "");
  if (name !== undefined && [...LOOPBACK_NAMES, host.toLowerCase()].includes(name)) return undefined;
  return `this server listens on loopback only and answers to localhost; to reach it as "${(header ?? "").slice(0, 100)}", set \`web: { host }\` in the fleet's configuration`;
}

/**
 * Why a request that changes something is refused; undefined when it is not. Browsers name the origin of every such request; programs that
 * are no browsers send neither header and can't be tricked.
 */
export function refuseOrigin(
  method: string,
  { host, origin, site }: { readonly host: string | undefined; readonly origin: string | undefined; readonly site: string | undefined },
): string | undefined {
  if (method === "GET" || method === "HEAD") return undefined;
  // A page can't set Sec-Fetch-Site: where a browser sends it, it is right, also behind a proxy that changes Host.
  const isForeign =
    site === undefined ? origin !== undefined && URL.parse(origin)?.host !== host : site !== "same-origin" && site !== "none";
  return isForeign ? "requests that change something are taken from this server's own pages only" : undefined;
}

const LOOPBACK_NAMES: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

export function isLoopbackAddress(address: string): boolean {
  return /^(::ffff:)?127\./.test(address) || address === "::1";
}

/** The name in a Host header, without its port. */
function hostname(header: string): string | undefined {
  return /^(\[[0-9a-f:.]+\]|[^:@/\s]+)(:\d+)?$/i.exec(header)?.[1]?.toLowerCase();
}
