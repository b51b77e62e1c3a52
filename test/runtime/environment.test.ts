import { expect, it } from "vitest";
import { readEnvironment } from "../../src/runtime/environment.ts";

it("has a default for what isn't set, and counts an empty variable as not set", () => {
  expect(readEnvironment({ REDIS_URL: "", LOG_LEVEL: "" })).toMatchObject({ logLevel: "info", dataDir: ".modelfleet" });
  expect(readEnvironment({ REDIS_URL: "" })).not.toHaveProperty("redisUrl");
  expect(readEnvironment({ EMPTY: "" }).variable("EMPTY")).toBeUndefined();
});

it("reads what is set", () => {
  const environment = readEnvironment({ REDIS_URL: "redis://r", LOG_LEVEL: "debug", MODELFLEET_DATA: "/data", KEY: "k" });
  expect(environment).toMatchObject({ redisUrl: "redis://r", logLevel: "debug", dataDir: "/data" });
  expect(environment.variable("KEY")).toBe("k");
});
