import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { whyNoPostgres } from "../support/postgres.ts";

const BENCH = join(import.meta.dirname, "../../scripts/bench-store.ts");

it(
  "npm run bench:store shows both stores side by side, with every row and call there once after a writer was killed",
  { timeout: 90_000 },
  async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [BENCH, "--rows", "8000"]);
    const stores = (await whyNoPostgres()) === undefined ? ["files", "PostgreSQL \\d+"] : ["files"];
    for (const store of stores) {
      expect(stdout).toMatch(new RegExp(`${store} +[\\d,]+ +\\d\\.\\d\\d$`, "m"));
      expect(stdout).toMatch(new RegExp(`${store} +[\\d,]+ +8,000 +8,960 +240 +694,400,000 +yes$`, "m"));
    }
  },
);
