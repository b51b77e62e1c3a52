// Logs: JSON lines on standard error, secrets taken out by key, and of an error of Redis what was sent.

import { pino, stdSerializers } from "pino";

export type Logger = Pick<pino.Logger, "debug" | "info" | "warn" | "error" | "child">;

const SECRET_PATHS = ["apiKey", "*.apiKey", "authorization", "*.authorization", "headers", "*.headers", "password", "*.password"];

/** A process's logger. `level` is one of pino's (`silent` to `trace`). */
export function createLogger(options: { role: string; level: string }): Logger {
  return pino(
    {
      level: options.level,
      base: { role: options.role, pid: process.pid },
      redact: { paths: SECRET_PATHS, censor: "[redacted]" },
      serializers: { err: describeError },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}

export const silentLogger: Logger = pino({ level: "silent" });

/** ioredis hangs the whole command on its errors: a script's source, and what rows hold. Its name says enough. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const described: Readonly<Record<string, unknown>> = { ...stdSerializers.err(error) };
  return {
    ...described,
    ...("command" in described ? { command: (described["command"] as { readonly name?: unknown } | undefined)?.name } : {}),
    ...(error instanceof AggregateError ? { aggregateErrors: error.errors.map(describeError) } : {}),
  };
}
