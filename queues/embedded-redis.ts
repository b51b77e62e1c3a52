// A Redis of the fleet's own, for one machine: started by the first process that needs it, shared by the others, stopped by the last to leave.
//
// no server ──(first process: spawns it, writes server.json)──▶ running ──(another process: finds server.json, checks, attaches)──▶ running
// running ──(a process leaves while others are connected)──▶ running      ──(the last one leaves)──▶ shut down, data kept in the folder
// Coming and leaving happen under one lock file, so that none attaches to a server that is being stopped. A server that merely happens to run
// is never adopted: ours is the one that server.json names and that works in our folder.

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { mkdir, readFile, realpath, rename, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { StoppedError } from "../src/job/errors.ts";
import { CLIENT_PREFIX, clientName } from "./connection.ts";
import { isAlive, withLock } from "./folder-lock.ts";
import { findRedisBinary, redisServerArguments } from "./redis-binary.ts";

/** Attempts at a port: between asking for a free one and using it, another program may take it. */
const PORT_ATTEMPTS = 5;
const POLL_MS = 25;
/** How long a server that runs but doesn't answer is waited for. (One that is loading its data does answer.) */
const SILENT_MS = 5_000;

export interface EmbeddedRedis {
  readonly url: string;
  readonly pid: number;
  /** Leaves; the last of our processes to leave stops the server. */
  stop(): Promise<void>;
}

interface ServerFile {
  readonly port: number;
  readonly pid: number;
  readonly id: string;
}

/**
 * Starts the server of the folder `dir`, or attaches to the one that runs there. Returns when it answers and has loaded its data.
 * @throws StoppedError when there is no server program on the PATH, or it doesn't start.
 */
export async function startEmbeddedRedis({ dir }: { dir: string }): Promise<EmbeddedRedis> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const folder = await realpath(dir);
  const lock = join(folder, "server.lock");
  const serverFile = join(folder, "server.json");

  const { server, control } = await withLock(lock, async () => {
    const running = await readServerFile(serverFile);
    const found = running && (await attach(running, folder));
    return running && found ? { server: running, control: found } : startServer(folder, serverFile);
  });

  let stopping: Promise<void> | undefined;
  const leave = () =>
    withLock(lock, async () => {
      if (await isLast(control)) {
        // The reply is the closed connection.
        await control.shutdown().catch(() => undefined);
        while (isAlive(server.pid) && (await isListening(server.port))) await sleep(POLL_MS);
        const left = await readServerFile(serverFile);
        if (left?.id === server.id) await rm(serverFile, { force: true });
      }
      control.disconnect();
    });
  return { url: urlOf(server), pid: server.pid, stop: () => (stopping ??= leave()) };
}

/** A connection to the server if it is ours, named so that others see that we are here. */
async function attach(server: ServerFile, folder: string): Promise<Redis | undefined> {
  const giveUpAt = performance.now() + SILENT_MS;
  while (isAlive(server.pid)) {
    const control = new Redis(urlOf(server), {
      connectionName: clientName("embedded"),
      lazyConnect: true,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      disconnectTimeout: 100, // after a shutdown its timer would hold the process up for two seconds
    });
    control.on("error", () => undefined);
    try {
      await control.connect();
      const [, workingFolder] = (await control.config("GET", "dir")) as [string, string];
      if (workingFolder === folder) return control;
      control.disconnect();
      return undefined;
    } catch {
      control.disconnect();
      if (performance.now() > giveUpAt) return undefined;
      await sleep(POLL_MS);
    }
  }
  return undefined;
}

async function startServer(folder: string, serverFile: string): Promise<{ server: ServerFile; control: Redis }> {
  const binary = await findRedisBinary();
  if (!binary) throw new StoppedError(NO_REDIS, NO_REDIS_HINT);
  for (let attempt = 1; attempt <= PORT_ATTEMPTS; attempt++) {
    const port = await freePort();
    const logFile = join(folder, "redis.log");
    // A process group of its own: Ctrl-C in the terminal must not end it before the workers have.
    const child = spawn(binary, [...redisServerArguments({ port, dir: folder }), "--logfile", logFile], {
      detached: true,
      stdio: "ignore",
    });
    const started = await new Promise<boolean>((resolve) => {
      child.once("spawn", () => resolve(true));
      child.once("error", () => resolve(false));
    });
    if (!started || child.pid === undefined) throw new StoppedError(`${binary} can't be started`, NO_REDIS_HINT);
    child.unref();
    const server: ServerFile = { port, pid: child.pid, id: randomUUID() };
    await writeServerFile(serverFile, server);
    const control = await attach(server, folder);
    if (control) return { server, control };
    child.kill("SIGKILL");
    await rm(serverFile, { force: true });
  }
  throw new StoppedError(`${binary} does not start in ${folder}`, `Its log says why: ${join(folder, "redis.log")}`);
}

/** Whether nobody else of ours is connected: no other process, no other handle of this one. Takes our own name off first, so that the next to leave doesn't count us. */
async function isLast(control: Redis): Promise<boolean> {
  try {
    await control.client("SETNAME", "leaving");
    const clients = String(await control.client("LIST"));
    const names = Array.from(clients.matchAll(/ name=(\S*)/g), ([, name = ""]) => name);
    return !names.some(isOther);
  } catch {
    // It was ended by someone else: nothing is left to stop.
    return false;
  }
}

/** Another process's connection, or another handle of this one. */
function isOther(name: string): boolean {
  return name === clientName("embedded") || (name.startsWith(`${CLIENT_PREFIX}:`) && !name.endsWith(`:${process.pid}`));
}

async function readServerFile(path: string): Promise<ServerFile | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as ServerFile;
  } catch {
    return undefined;
  }
}

/** Written without a pause after the spawn, and whole: a server that no file names could never be found again. */
async function writeServerFile(path: string, server: ServerFile): Promise<void> {
  writeFileSync(`${path}.new`, `${JSON.stringify(server)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** A server that has ended but was not waited for by its parent still has its process id: the port tells. */
async function isListening(port: number): Promise<boolean> {
  const socket = connect({ port, host: "127.0.0.1" });
  const answer = await new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
  });
  socket.destroy();
  return answer;
}

function urlOf({ port }: ServerFile): string {
  return `redis://127.0.0.1:${port}`;
}

/** A port that is free at this moment. */
export async function freePort(): Promise<number> {
  const listener = createServer();
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(0, "127.0.0.1", resolve);
  });
  const { port } = listener.address() as { port: number };
  await new Promise((resolve) => listener.close(resolve));
  return port;
}

export const NO_REDIS = "there is no Redis: REDIS_URL is not set, and neither redis-server nor valkey-server is on the PATH";
export const NO_REDIS_HINT =
  "Do one of: set REDIS_URL to a running Redis (6.2 or later) · install redis (Debian and Ubuntu: apt-get install redis-server, macOS: brew install redis) · " +
  "run it with Docker: docker run -d -p 6379:6379 redis:8-alpine redis-server --appendonly yes, then REDIS_URL=redis://127.0.0.1:6379";
