// Which store the configuration and the environment name.

import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openConfigFolder, type ConfigFolder } from "./config-folder.ts";

const SMALL = "providers: { local: { kind: openai-compatible, baseUrl: 'http://localhost:8000/v1', models: { llama: } } }\n";
const ADDRESS = "postgres://fleet:hunter2@db/modelfleet";

let configs: ConfigFolder;
beforeEach(async () => {
  configs = await openConfigFolder();
});
afterEach(() => configs.remove());

it("a PostgreSQL is named by store.url or STORE_URL; what the file says comes first, also when it is a folder", async () => {
  const variables = { STORE_URL: ADDRESS, PASSWORD: "other" };
  expect(await configs.load(SMALL)).not.toHaveProperty("storeUrl");
  expect(await configs.load(SMALL, { variables })).toMatchObject({ storeUrl: ADDRESS });
  const inFile = `${SMALL}store: { url: "postgres://fleet:\${PASSWORD}@elsewhere/modelfleet" }`;
  expect(await configs.load(inFile, { variables })).toMatchObject({ storeUrl: "postgres://fleet:other@elsewhere/modelfleet" });
  const files = await configs.load(`${SMALL}store: { dir: results }`, { variables });
  expect(files).toMatchObject({ storeDir: join(configs.folder, "results") });
  expect(files).not.toHaveProperty("storeUrl");
});

it("a password in the store's address is a secret: only a variable may hold it", async () => {
  for (const url of [ADDRESS, "postgres://fleet@db/modelfleet?password=hunter2"]) {
    const problems = await configs.problemsOf(`${SMALL}store: { url: "${url}" }`);
    expect(problems).toEqual([expect.stringContaining("store.url (line 2): holds a password")]);
    expect(problems.join()).not.toContain("hunter2");
  }
});

it("an address that is none, and two stores at once, are told of without repeating the address", async () => {
  const variables = { PASSWORD: "12/hunter2", STORE_URL: "mysql://u:hunter2@db/x" };
  const broken = await configs.problemsOf(`${SMALL}store: { url: "postgres://fleet:\${PASSWORD}@db/modelfleet" }`, { variables });
  expect(broken).toEqual([expect.stringMatching(/^store\.url \(line 2\): .*percent-encoded/)]);
  const both = await configs.problemsOf(`${SMALL}store: { dir: results, url: "\${ADDRESS}" }`, { variables: { ADDRESS } });
  expect(both).toEqual([expect.stringMatching(/^store\.url \(line 2\): is one store and dir another/)]);
  expect([...broken, ...both].join()).not.toContain("hunter2");
});
