// Logs: JSON lines on standard error, secrets taken out by key.

import { pino } from "pino";

export type Logger = Pick<pino.Logger, "debug" | "info" | "warn" | "error" | "child">;

const SECRET_PATHS = ["apiKey", "*.apiKey", "authorization", "*.authorization", "headers", "*.headers", "password", "*.password"];

/** A process's logger. `level` is one of pino's (`silent` to `trace`). */
export function createLogger(options: { role: string; level: string }): Logger {
  return pino(
    { level: options.level, base: { role: options.role, pid: process.pid }, redact: { paths: SECRET_PATHS, censor: "[redacted]" } },
    pino.destination({ dest: 2, sync: true }),
  );
}

export const silentLogger: Logger = pino({ level: "silent" });
