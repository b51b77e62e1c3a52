// The process's environment: the only file that reads it.

export interface Environment {
  /** `REDIS_URL`. */
  readonly redisUrl?: string;
  /** `STORE_URL`. */
  readonly storeUrl?: string;
  /** `LOG_LEVEL`, one of pino's: `info` where it isn't set. */
  readonly logLevel: string;
  /** `MODELFLEET_DATA`, the folder of the file store and the embedded Redis: `.modelfleet` where it isn't set. */
  readonly dataDir: string;
  /** Any other variable; an empty one counts as not set. */
  variable(name: string): string | undefined;
}

export function readEnvironment(source: Readonly<Record<string, string | undefined>> = process.env): Environment {
  const variable = (name: string) => source[name] || undefined;
  const redisUrl = variable("REDIS_URL");
  const storeUrl = variable("STORE_URL");
  return {
    ...(redisUrl === undefined ? {} : { redisUrl }),
    ...(storeUrl === undefined ? {} : { storeUrl }),
    logLevel: variable("LOG_LEVEL") ?? "info",
    dataDir: variable("MODELFLEET_DATA") ?? ".modelfleet",
    variable,
  };
}

/** The environment for a child process: this one's, with changes (`undefined` takes a variable out). */
export function childEnvironment(changes: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return { ...process.env, ...changes };
}
