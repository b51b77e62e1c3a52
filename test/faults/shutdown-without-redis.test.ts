// A process told to end while Redis is away must end all the same.

import { expect, it } from "vitest";
import { classifyConfig, classifyRows, classifySimulator } from "../support/classify.ts";
import { startTestFleet } from "../support/fleet.ts";
import { NOT_OURS } from "../support/redis.ts";

it("SIGTERM while Redis is away ends the process, which says why it could not hand its jobs back", { timeout: 60_000 }, async (context) => {
  const fleet = await startTestFleet({ simulator: classifySimulator(classifyRows(1)), config: classifyConfig() });
  try {
    if (!fleet.redis.isOurs) context.skip(NOT_OURS);
    const up = await fleet.start("up", "--no-web", "--grace", "1");
    await fleet.redis.kill();
    expect(await up.terminate()).toBe(1);
  } finally {
    await fleet.stop();
  }
});
