// Installs Debian's redis-server, for its program only: on a fresh machine without Redis and without Docker.

import { spawn } from "node:child_process";
import { access, chmod, constants, rm, writeFile } from "node:fs/promises";
import { StoppedError } from "../src/job/errors.ts";
import { childEnvironment } from "../src/runtime/environment.ts";

/** Debian asks this program before it starts a service; 101 forbids it. */
const POLICY_PROGRAM = "/usr/sbin/policy-rc.d";

/** Whether this is a Debian-like system and we are root. */
export async function canInstallRedis(): Promise<boolean> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  return isThere("/usr/bin/apt-get");
}

/**
 * Runs apt-get, saying so on standard error. The system's own service is neither started nor left to start at the next boot: the fleet runs its own server.
 * @throws StoppedError when apt-get fails, with the end of what it said.
 */
export async function installRedis(): Promise<void> {
  console.error(
    "There is no Redis on this machine and no Docker: installing Debian's redis-server (apt-get update, apt-get install redis-server).",
  );
  console.error("Only its program is used, on a port and in a folder of our own; the system's service stays off.");
  const hadPolicy = await isThere(POLICY_PROGRAM);
  if (!hadPolicy) {
    await writeFile(POLICY_PROGRAM, "#!/bin/sh\nexit 101\n");
    await chmod(POLICY_PROGRAM, 0o755);
  }
  try {
    await run("apt-get", ["update", "-qq"]);
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "redis-server"]);
  } finally {
    if (!hadPolicy) await rm(POLICY_PROGRAM, { force: true });
  }
  if (await isThere("/run/systemd/system")) await run("systemctl", ["disable", "--now", "redis-server"]).catch(() => undefined);
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { env: childEnvironment({ DEBIAN_FRONTEND: "noninteractive" }), stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-2_000)));
  const code = await new Promise<number | string | null>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", resolve);
  });
  if (code !== 0)
    throw new StoppedError(
      `${program} ${args.join(" ")} failed (${code}): ${said.trim()}`,
      "Install redis-server by hand, or set REDIS_URL.",
    );
}

async function isThere(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}
