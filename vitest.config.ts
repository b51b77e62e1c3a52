import { defineConfig } from "vitest/config";
import { readEnvironment } from "./src/runtime/environment.ts";

/** Where a machine-readable summary goes, for .ci/run. */
const summary = readEnvironment().variable("MODELFLEET_TEST_SUMMARY");

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // End-to-end tests start whole fleets: more of them side by side than cores only makes each of them slow.
    maxWorkers: 2,
    reporters: summary ? ["default", ["json", { outputFile: summary }]] : ["default"],
  },
});
