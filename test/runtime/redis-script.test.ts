// What is told of a script that fails: by nobody its source, nor what it was given, which may be what a row holds.

import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { inspect } from "node:util";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisScript, runScript } from "../../src/runtime/redis-script.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

let server: TestRedis;
let redis: Redis;

beforeAll(async () => {
  server = await startTestRedis();
  redis = server.client();
});
afterAll(() => server.stop());

const SCRIPT = redisScript("-- the source\nreturn redis.call('HINCRBY', KEYS[1], 'field', ARGV[1])");

/** The second time it is sent by its digest. */
const failTwice = async () => {
  const failures: unknown[] = [];
  for (let i = 0; i < 2; i++) await runScript(redis, SCRIPT, ["hash"], ["a row's text"]).catch((error: unknown) => failures.push(error));
  return failures as readonly Error[];
};

describe("an error of a script", () => {
  it("says what was wrong and which script it was, and holds neither the source nor what that was given", async () => {
    const failures = await failTwice();
    expect(failures).toHaveLength(2);
    for (const failure of failures) {
      const printed = inspect(failure, { depth: 5 });
      expect(printed).toContain("value is not an integer");
      expect(printed).toContain(SCRIPT.sha);
      expect(printed).not.toContain("the source");
      expect(printed).not.toContain("a row's text");
    }
  });

  it("is logged without what was sent, alone and among others, whoever sent it", { timeout: 30_000 }, async () => {
    const { stderr } = await logged(`
      const failure = await redis.eval("-- the source\\nreturn redis.call('HINCRBY', KEYS[1], 'field', ARGV[1])", 1, "hash", "a row's text").catch((error) => error);
      log.error({ err: failure }, "alone");
      log.error({ err: new AggregateError([failure], "several") }, "among others");
    `);
    const [alone, among] = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { err: Record<string, unknown> });
    expect(alone!.err).toMatchObject({ message: expect.stringContaining("value is not an integer"), command: "eval" });
    expect(among!.err).toMatchObject({ aggregateErrors: [{ message: expect.stringContaining("value is not an integer") }] });
    expect(stderr).not.toContain("the source");
    expect(stderr).not.toContain("a row's text");
  });
});

/** What a process writes that runs `code` with a logger `log` and a connection `redis`. */
function logged(code: string): Promise<{ readonly stderr: string }> {
  const child = spawn(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      `import { Redis } from "ioredis";
       import { createLogger } from "./src/runtime/logger.ts";
       const log = createLogger({ role: "test", level: "error" });
       const redis = new Redis(${JSON.stringify(server.url)});
       ${code}
       redis.disconnect();`,
    ],
    { cwd: resolve(import.meta.dirname, "../.."), stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, NODE_NO_WARNINGS: "1" } },
  );
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((done) => child.once("close", () => done({ stderr })));
}
