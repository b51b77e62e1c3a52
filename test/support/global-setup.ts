// Before the tests: makes sure that there is a way to a Redis, installing the program on a fresh machine. Each test then starts its own.

import { chooseRedis } from "../../scripts/ensure-redis.ts";
import { TEST_ORDER } from "./redis.ts";

export async function setup(): Promise<void> {
  await chooseRedis(TEST_ORDER);
}
