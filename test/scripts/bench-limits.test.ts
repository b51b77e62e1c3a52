// The quick form of `npm run bench:limits`: one cap, two pool processes, both vendors, against the simulator's own books.

import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { childEnvironment } from "../../src/runtime/environment.ts";

const BENCH = resolve(import.meta.dirname, "../../scripts/bench-limits.ts");

interface Run {
  readonly vendor: string;
  readonly use: number;
  readonly calls: number;
  readonly refused429: number;
}

const run = promisify(execFile);

describe("npm run bench:limits", () => {
  it("sees two pool processes run each vendor at its cap and hardly ever past it", { timeout: 180_000 }, async () => {
    const { stdout } = await run(process.execPath, [BENCH, "--quick"], { env: childEnvironment({ REDIS_URL: undefined }) });
    const last = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as {
      readonly parts: { readonly caps: { readonly runs: readonly Run[] } };
    };
    const { runs } = last.parts.caps;
    expect(runs.map(({ vendor }) => vendor)).toEqual(["openai", "openai", "anthropic"]);
    for (const { use, calls, refused429 } of runs) {
      // 98 % on a quiet machine; here other tests take turns with it.
      expect(use).toBeGreaterThan(0.95);
      expect(use).toBeLessThan(1.03);
      expect(refused429).toBeLessThanOrEqual(Math.max(1, calls * 0.001));
    }
  });

  it("names its parts when asked for one that it doesn't have", async () => {
    const failed = await run(process.execPath, [BENCH, "--only", "nothing"]).catch((error: { code: number; stderr: string }) => error);
    expect(failed).toMatchObject({ code: 2, stderr: expect.stringContaining("caps") });
  });
});
