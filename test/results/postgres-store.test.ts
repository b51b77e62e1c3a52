import { afterAll, beforeAll, describe } from "vitest";
import { createPostgresStore } from "../../src/results/postgres-store.ts";
import { storeContract } from "../contracts/store-contract.ts";
import { startTestPostgres, whyNoPostgres, type TestPostgres } from "../support/postgres.ts";

const missing = await whyNoPostgres();

describe.skipIf(missing)(missing ?? "with a PostgreSQL", () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startTestPostgres();
  });
  afterAll(() => postgres.stop());

  storeContract("PostgreSQL", async () => {
    const url = await postgres.createDatabase();
    return { open: () => createPostgresStore({ url }), remove: async () => {} };
  });
});
