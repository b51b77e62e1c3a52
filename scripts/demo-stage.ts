// What the demo plays on: a folder of its own, a Redis of its own, the simulator and the fleet as processes of their own, on ports that are free.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Fleet } from "../src/config/fleet.ts";
import { loadFleet } from "../src/config/load.ts";
import { StoppedError } from "../src/job/errors.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { childEnvironment, readEnvironment } from "../src/runtime/environment.ts";
import { startEmbeddedRedis } from "../queues/embedded-redis.ts";
import { isAlive } from "../queues/folder-lock.ts";
import { startDemoChild } from "./demo-child.ts";
import { findDemoRedis } from "./demo-redis.ts";
import { openFleet, type OpenFleet } from "./open-fleet.ts";

export interface Stage {
  /** Everything the demo writes. */
  readonly folder: string;
  readonly simulatorUrl: string;
  readonly vendors: readonly string[];
  readonly webUrl: string;
  /** What the fleet says it runs. */
  readonly roles: string;
  readonly open: OpenFleet;
  /** Stops all of it, last first. */
  close(): Promise<void>;
}

/**
 * Sets everything up; what fails or is interrupted on the way takes down what stands already. Undefined when `signal` aborted meanwhile.
 * @throws StoppedError when something can't be started.
 */
export async function openStage({
  examples,
  signal,
}: {
  readonly examples: string;
  readonly signal: AbortSignal;
}): Promise<Stage | undefined> {
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    const folder = await renewFolder();
    closers.push(() => rm(join(folder, OWNER), { force: true }));
    const redis = await findDemoRedis();
    closers.push(() => redis.stop());
    signal.throwIfAborted();
    const simulator = await startDemoChild({
      args: ["simulator", "--config", join(examples, "simulator.yaml"), "--port", "0"],
      environment: childEnvironment({}),
      folder,
      ready: /^Control: (\S+)\/_control\//m,
    });
    closers.push(() => simulator.stop());
    signal.throwIfAborted();
    const simulatorUrl = simulator.said[1]!;
    const changes = environmentOf({ simulatorUrl, folder, redisUrl: redis.url });
    const config = join(examples, "fleet.yaml");
    const open = await openFleet({}, { patient: true, fleet: await loadDemoFleet(config, { changes, simulatorUrl }) });
    closers.push(() => open.close());
    signal.throwIfAborted();
    const fleet = await startDemoChild({
      args: ["up", "--config", config, "--grace", "2"],
      environment: childEnvironment(changes),
      folder,
      ready: /^modelfleet (.+): running[\s\S]*^dashboard (\S+)\/ /m,
    });
    closers.push(() => fleet.stop());
    signal.throwIfAborted();
    return {
      folder,
      simulatorUrl,
      vendors: Array.from(open.fleet.providers.keys()),
      webUrl: fleet.said[2]!,
      roles: fleet.said[1]!,
      open,
      close,
    };
  } catch (error) {
    await close();
    if (signal.aborted) return undefined;
    throw error;
  }
}

/** Whatever the user's environment says, the demo's fleet knows no vendor but the simulator, and no key that is worth anything. */
function environmentOf({
  simulatorUrl,
  folder,
  redisUrl,
}: {
  readonly simulatorUrl: string;
  readonly folder: string;
  readonly redisUrl: string | undefined;
}) {
  return {
    OPENAI_API_KEY: "simulated",
    OPENAI_BASE_URL: `${simulatorUrl}/openai/v1`,
    ANTHROPIC_API_KEY: "simulated",
    ANTHROPIC_BASE_URL: `${simulatorUrl}/anthropic`,
    NODE_USE_ENV_PROXY: undefined,
    REDIS_URL: redisUrl,
    STORE_URL: undefined,
    MODELFLEET_DATA: folder,
    HOST: "127.0.0.1",
    PORT: "0",
    LOG_LEVEL: "warn",
  };
}

/** The fleet as the demo's environment makes it, and a second look at whom it would call. */
async function loadDemoFleet(
  config: string,
  { changes, simulatorUrl }: { readonly changes: Readonly<Record<string, string | undefined>>; readonly simulatorUrl: string },
): Promise<Fleet> {
  const fleet = await loadFleet(config, { environment: readEnvironment(childEnvironment(changes)) });
  for (const { name, baseUrl } of fleet.providers.values()) {
    if (!baseUrl?.startsWith(`${simulatorUrl}/`))
      throw new Error(`the demo's provider ${name} would call ${baseUrl ?? "its vendor"}, not the simulator`);
  }
  return fleet;
}

/** The file with the process id of the demo that uses the folder. */
const OWNER = "demo.pid";
const LEFTOVER_MS = 10_000;
const LEFTOVER_POLL_MS = 250;

/** The demo's folder, emptied. @throws StoppedError when another demo is using it. */
async function renewFolder(): Promise<string> {
  const folder = resolve(readEnvironment().dataDir, "demo");
  const owner = join(folder, OWNER);
  const pid = Number(await readFile(owner, "utf8").catch(() => ""));
  if (isAlive(pid))
    throw new StoppedError(`another demo is running here (process ${pid})`, `Wait for its end. If there is none, remove ${folder}.`);
  await stopLeftover(join(folder, "redis"));
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  await mkdir(folder, { recursive: true });
  await writeFile(owner, String(process.pid));
  return folder;
}

/** A demo that was killed may have left its Redis, or processes that are just stopping it. */
async function stopLeftover(dir: string): Promise<void> {
  const giveUpAt = systemClock.now() + LEFTOVER_MS;
  while (existsSync(join(dir, "server.json")) && systemClock.now() < giveUpAt) {
    const server = await startEmbeddedRedis({ dir });
    await server.stop();
    if (existsSync(join(dir, "server.json"))) await systemClock.sleep(LEFTOVER_POLL_MS);
  }
}
