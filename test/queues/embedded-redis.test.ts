import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { clientName } from "../../queues/connection.ts";
import { startEmbeddedRedis, type EmbeddedRedis } from "../../queues/embedded-redis.ts";
import { isAlive } from "../../queues/folder-lock.ts";
import { findRedisBinary } from "../../queues/redis-binary.ts";

const MODULE = new URL("../../queues/embedded-redis.ts", import.meta.url).href;

let dir: string;
const handles: EmbeddedRedis[] = [];
const children: ChildProcess[] = [];
const connections: Redis[] = [];

beforeEach(async ({ skip }) => {
  if (!(await findRedisBinary())) skip("neither redis-server nor valkey-server is on the PATH");
  dir = await mkdtemp(join(tmpdir(), "modelfleet-embedded-"));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const connection of connections.splice(0)) connection.disconnect();
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const handle of handles) await handle.stop();
  for (const { pid } of handles.splice(0)) if (isAlive(pid)) process.kill(pid, "SIGKILL");
  await rm(dir, { recursive: true, force: true });
});

async function start(folder = dir): Promise<EmbeddedRedis> {
  const handle = await startEmbeddedRedis({ dir: folder });
  handles.push(handle);
  return handle;
}

function connect({ url }: EmbeddedRedis, connectionName?: string): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: null, ...(connectionName === undefined ? {} : { connectionName }) });
  redis.on("error", () => undefined);
  connections.push(redis);
  return redis;
}

/** A process that starts or attaches, says so, and leaves when it is written to. */
async function startElsewhere() {
  const script = `
    import { startEmbeddedRedis } from ${JSON.stringify(MODULE)};
    const redis = await startEmbeddedRedis({ dir: ${JSON.stringify(dir)} });
    console.log(JSON.stringify({ url: redis.url, pid: redis.pid }));
    process.stdin.once("data", async () => { await redis.stop(); process.exit(0); });
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["pipe", "pipe", "inherit"], detached: true });
  children.push(child);
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const server = JSON.parse(line) as { url: string; pid: number };
  return {
    child,
    ...server,
    async leave() {
      const exit = once(child, "exit");
      child.stdin.write("leave\n");
      await exit;
    },
  };
}

describe("the embedded Redis", () => {
  it("is durable, never evicts, listens on this machine only, and ends with its last user", async () => {
    const server = await start();
    const redis = connect(server);
    const setting = async (name: string) => (await redis.config("GET", name))[1];
    expect(await setting("appendonly")).toBe("yes");
    expect(await setting("appendfsync")).toBe("everysec");
    expect(await setting("maxmemory-policy")).toBe("noeviction");
    expect(await setting("bind")).toBe("127.0.0.1");
    expect(await setting("save")).toBe("");
    await server.stop();
    await server.stop();
    await vi.waitFor(() => expect(isAlive(server.pid)).toBe(false));
    expect(await readdir(dir)).not.toContain("server.json");
    expect(await readdir(dir)).not.toContain("server.lock");
  });

  it("keeps its data from one run to the next", async () => {
    const first = await start();
    await connect(first).set("kept", "yes");
    await first.stop();
    expect(await connect(await start()).get("kept")).toBe("yes");
  });

  it("loses nothing that was answered when it is killed, and the next to come starts it again", async () => {
    const first = await start();
    await connect(first).set("kept", "yes");
    process.kill(first.pid, "SIGKILL");
    await vi.waitFor(() => expect(isAlive(first.pid)).toBe(false));
    const second = await start();
    expect(second.pid).not.toBe(first.pid);
    expect(await connect(second).get("kept")).toBe("yes");
  });

  it("is shared by all processes that come, and stopped by the last to leave", async () => {
    const mine = await start();
    const other = await startElsewhere();
    expect(other).toMatchObject({ url: mine.url, pid: mine.pid });
    await mine.stop();
    expect(isAlive(mine.pid)).toBe(true);
    await other.leave();
    await vi.waitFor(() => expect(isAlive(mine.pid)).toBe(false));
  });

  it("stays while another process of ours is still connected, and for another handle of the same process", async () => {
    const [first, second] = [await start(), await start()];
    expect(second.pid).toBe(first.pid);
    await first.stop();
    expect(isAlive(first.pid)).toBe(true);
    await connect(second, clientName("pool").replace(/\d+$/, "1")).ping();
    await second.stop();
    expect(isAlive(first.pid)).toBe(true);
  });

  it("is one server, however many come at the same moment", async () => {
    const here = await Promise.all([start(), start(), start()]);
    const elsewhere = await Promise.all([startElsewhere(), startElsewhere()]);
    expect(new Set([...here, ...elsewhere].map(({ pid }) => pid)).size).toBe(1);
    await Promise.all([...elsewhere.map((other) => other.leave()), ...here.map((handle) => handle.stop())]);
    await vi.waitFor(() => expect(isAlive(here[0].pid)).toBe(false));
  });

  it("outlives Ctrl-C in the terminal of the process that started it", async () => {
    const other = await startElsewhere();
    const exit = once(other.child, "exit");
    process.kill(-(other.child.pid as number), "SIGINT");
    await exit;
    expect(isAlive(other.pid)).toBe(true);
    const mine = await start();
    expect(mine.pid).toBe(other.pid);
  });

  it("never adopts a server that works in another folder, even if its own file names it", async () => {
    const strange = await mkdtemp(join(tmpdir(), "modelfleet-strange-"));
    const foreign = await start(strange);
    await writeFile(join(dir, "server.json"), await readFile(join(strange, "server.json")));
    const mine = await start();
    expect(mine.url).not.toBe(foreign.url);
    await mine.stop();
    expect(await connect(foreign).ping()).toBe("PONG");
    await foreign.stop();
    await rm(strange, { recursive: true });
  });

  it("takes over from a process that died while holding the lock", async () => {
    const dead = spawn(process.execPath, ["-e", ""]);
    await once(dead, "exit");
    await writeFile(join(dir, "server.lock"), `${dead.pid} gone`);
    await writeFile(join(dir, "server.json"), `{ "port": 1, "pid": ${dead.pid}, "id": "gone" }`);
    expect(await connect(await start()).ping()).toBe("PONG");
  });

  it("says what to do when there is no server program", async () => {
    vi.stubEnv("PATH", dir);
    await expect(startEmbeddedRedis({ dir })).rejects.toMatchObject({
      name: "StoppedError",
      message: expect.stringContaining("neither redis-server nor valkey-server"),
      hint: expect.stringMatching(/REDIS_URL.*apt-get install redis-server.*docker/),
    });
  });
});
