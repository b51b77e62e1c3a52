import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import { findRedisBinary } from "../../queues/redis-binary.ts";
import { chooseRedis, ensureRedis } from "../../scripts/ensure-redis.ts";
import { childEnvironment } from "../../src/runtime/environment.ts";

const SCRIPT = fileURLToPath(new URL("../../scripts/ensure-redis.ts", import.meta.url));

afterEach(() => vi.unstubAllEnvs());

function run(changes: Record<string, string>) {
  return spawnSync(process.execPath, [SCRIPT], { encoding: "utf8", env: childEnvironment({ REDIS_URL: undefined, ...changes }) });
}

describe("ensureRedis", () => {
  it("takes the server of REDIS_URL before all others", async () => {
    vi.stubEnv("MODELFLEET_TEST_REDIS", "");
    vi.stubEnv("REDIS_URL", "redis://127.0.0.1:6390");
    const found = await ensureRedis();
    expect(found).toMatchObject({ kind: "url", url: "redis://127.0.0.1:6390" });
    await found.stop();
  });

  it("leaves the start to the fleet where a server program is on the PATH", async ({ skip }) => {
    if (!(await findRedisBinary())) skip("neither redis-server nor valkey-server is on the PATH");
    vi.stubEnv("MODELFLEET_TEST_REDIS", "");
    vi.stubEnv("REDIS_URL", "");
    const found = await ensureRedis();
    expect(found).toMatchObject({ kind: "binary" });
    expect(found.url).toBeUndefined();
    await found.stop();
  });

  it("prefers what is ours where the caller does: tests may kill only that", async ({ skip }) => {
    if (!(await findRedisBinary())) skip("neither redis-server nor valkey-server is on the PATH");
    vi.stubEnv("MODELFLEET_TEST_REDIS", "");
    vi.stubEnv("REDIS_URL", "redis://127.0.0.1:6390");
    expect(await chooseRedis(["binary", "container", "url"])).toBe("binary");
  });

  it("refuses a way that it doesn't know", async () => {
    vi.stubEnv("MODELFLEET_TEST_REDIS", "magic");
    await expect(chooseRedis(["binary"])).rejects.toMatchObject({ name: "UsageError", hint: expect.stringContaining("container") });
  });

  it("runs as a command: tells the way it went, or that there is none", async ({ skip }) => {
    if (!(await findRedisBinary())) skip("neither redis-server nor valkey-server is on the PATH");
    const found = run({ MODELFLEET_TEST_REDIS: "binary" });
    expect(found).toMatchObject({ status: 0, stderr: expect.stringContaining("our own server") });
    const unreachable = run({ MODELFLEET_TEST_REDIS: "container", DOCKER_HOST: "unix:///nowhere/docker.sock", HOME: "/nowhere" });
    expect(unreachable).toMatchObject({ status: 1, stderr: expect.stringContaining("no Docker engine can be reached") });
  });
});
