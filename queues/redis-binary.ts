// The Redis server's program on this machine, if there is one.

import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { readEnvironment } from "../src/runtime/environment.ts";

const PROGRAMS = ["redis-server", "valkey-server"];

/** The path of `redis-server` or `valkey-server` on the PATH; `undefined` when there is none. */
export async function findRedisBinary(): Promise<string | undefined> {
  const folders = (readEnvironment().variable("PATH") ?? "").split(delimiter).filter(Boolean);
  for (const program of PROGRAMS) {
    for (const folder of folders) {
      const path = join(folder, program);
      const isThere = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (isThere) return path;
    }
  }
  return undefined;
}

/** The settings of every server that we start ourselves: durable, never evicting, for this machine only. */
export function redisServerArguments({ port, dir }: { port: number; dir: string }): string[] {
  const settings = {
    port: String(port),
    bind: "127.0.0.1",
    dir,
    daemonize: "no",
    save: "",
    appendonly: "yes",
    appendfsync: "everysec",
    "maxmemory-policy": "noeviction",
  };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}
