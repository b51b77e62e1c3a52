// Where a bench plays: a folder and a Redis of its own, and actors: real processes (bench-actor.ts) that are told what to do by messages.

import { fork, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { systemClock } from "../src/runtime/clock.ts";
import { childEnvironment } from "../src/runtime/environment.ts";
import { startEmbeddedRedis } from "../queues/embedded-redis.ts";
import { API_KEY } from "./bench-rows.ts";

export interface Actor {
  readonly name: string;
  /** Has the actor carry out one of its commands; rejects with its error, or when it has ended. */
  call<Reply>(command: string, options?: object): Promise<Reply>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

export interface Stage {
  readonly dir: string;
  readonly redisUrl: string;
  readonly redis: Redis;
  /** Writes a file into the folder; answers with its path. */
  file(name: string, content: string): Promise<string>;
  /** Starts an actor of a kind in a process of its own; resolves when it is ready. */
  actor(kind: string, options?: object, name?: string): Promise<Actor>;
  /** Rejects as soon as the bench is broken off. */
  sleep(ms: number): Promise<void>;
  /** CPU time used so far, in milliseconds: Redis and every living actor by name. */
  cpu(): Promise<ReadonlyMap<string, number>>;
  /** Ends all actors and the Redis, and removes the folder. */
  stop(): Promise<void>;
}

/** What an actor can do, by name; `end` closes what it has open. */
export type Commands = Readonly<Record<string, (options: never) => Promise<unknown>>> & { readonly end: () => Promise<unknown> };

/** From an actor: it is ready (id 0), or the reply to the request of that id. */
export interface ActorReply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

export interface ActorRequest {
  readonly id: number;
  readonly command: string;
  readonly options: object;
}

/** What that variable holds. */
export const API_KEY_VALUE = "none";

const ACTOR = join(import.meta.dirname, "bench-actor.ts");
const END_MS = 5_000;
/** Where Node would put it by default; starting a dozen processes takes half the time. */
const COMPILE_CACHE = join(tmpdir(), "node-compile-cache");

export interface StageOptions {
  /** Breaks off what is under way: every actor ends, and whoever waits for one is told. */
  readonly signal: AbortSignal;
  /** Every actor writes a CPU profile there when it ends. */
  readonly profileDir?: string | undefined;
}

export async function openStage({ signal, profileDir }: StageOptions): Promise<Stage> {
  const dir = await mkdtemp(join(tmpdir(), "modelfleet-bench-"));
  const server = await startEmbeddedRedis({ dir: join(dir, "redis") });
  const redis = new Redis(server.url);
  redis.on("error", () => undefined);
  // Durable as in production, but a rewrite of the file, that falls into whichever measurement it pleases, is noise.
  await redis.config("SET", "auto-aof-rewrite-percentage", "0");
  const cast: StageActor[] = [];
  const endAll = () => Promise.all(cast.map((actor) => actor.end()));
  signal.addEventListener("abort", () => void endAll());

  return {
    dir,
    redisUrl: server.url,
    redis,
    async file(name, content) {
      const path = join(dir, name);
      await writeFile(path, content);
      return path;
    },
    async actor(kind, options = {}, name = kind) {
      const profile =
        profileDir === undefined
          ? []
          : ["--cpu-prof", `--cpu-prof-dir=${profileDir}`, `--cpu-prof-name=${name.replaceAll(" ", "-")}.cpuprofile`];
      const child = fork(ACTOR, [kind, JSON.stringify({ redisUrl: server.url, dir, ...options })], {
        execArgv: profile,
        env: childEnvironment({
          REDIS_URL: undefined,
          STORE_URL: undefined,
          NODE_NO_WARNINGS: "1",
          NODE_COMPILE_CACHE: COMPILE_CACHE,
          [API_KEY]: API_KEY_VALUE,
        }),
      });
      const actor = createStageActor(name, child);
      cast.push(actor);
      await actor.ready;
      return actor;
    },
    async sleep(ms) {
      await systemClock.sleep(ms, signal);
      signal.throwIfAborted();
    },
    async cpu() {
      const info = await redis.info("cpu");
      const seconds = (field: string) => Number(new RegExp(`^${field}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? 0);
      const used = new Map([["Redis", (seconds("used_cpu_user") + seconds("used_cpu_sys")) * 1_000]]);
      const readings = cast.map(async (actor) => {
        const ms = await actor.call<number>("cpu").catch(() => undefined); // it has ended
        if (ms !== undefined) used.set(actor.name, ms);
      });
      await Promise.all(readings);
      return used;
    },
    async stop() {
      await endAll();
      redis.disconnect();
      await server.stop();
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

interface StageActor extends Actor {
  readonly ready: Promise<unknown>;
  end(): Promise<void>;
}

function createStageActor(name: string, child: ChildProcess): StageActor {
  const waiting = new Map<number, { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }>();
  let lastId = 0;
  const reply = (id: number) => new Promise<unknown>((resolve, reject) => waiting.set(id, { resolve, reject }));
  const ready = reply(0);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));

  child.on("message", ({ id, value, error }: ActorReply) => {
    const waiter = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) waiter?.resolve(value);
    else waiter?.reject(new Error(`${name}: ${error}`));
  });
  void exited.then(() => {
    for (const { reject } of waiting.values()) reject(new Error(`${name} ended (${child.exitCode ?? child.signalCode})`));
    waiting.clear();
  });

  const call = <Reply>(command: string, options: object = {}): Promise<Reply> => {
    if (!child.connected) return Promise.reject(new Error(`${name} has ended`));
    const id = ++lastId;
    const answer = reply(id);
    child.send({ id, command, options } satisfies ActorRequest);
    return answer as Promise<Reply>;
  };

  return {
    name,
    ready,
    call,
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
    async end() {
      const late = setTimeout(() => child.kill("SIGKILL"), END_MS);
      if (child.connected) void call("end").catch(() => undefined);
      await exited;
      clearTimeout(late);
    },
  };
}
