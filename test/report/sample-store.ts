// A store of made-up work and the configuration for it, to look at reports without having paid for one. A tool for developers.
//
//   node test/report/sample-store.ts /tmp/sample
//   cd /tmp/sample && modelfleet report --baseline alpha/large --html report.html

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createFileStore } from "../../src/results/files/file-store.ts";
import { SAMPLE_MODELS, sampleSpending } from "./sample-spending.ts";

const CHUNK = 2_000;
const BATCHES = [
  { batch: "tickets", task: "classify-ticket", jobs: 24_000, days: 21, startAt: Date.parse("2026-11-02T07:00:00Z"), seed: 1 },
  { batch: "summaries", task: "summarise", jobs: 9_000, days: 12, startAt: Date.parse("2026-11-09T07:00:00Z"), seed: 2 },
];

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error("usage: node test/report/sample-store.ts FOLDER");
  process.exitCode = 2;
} else {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "fleet.yaml"), JSON.stringify(configuration()));
  const store = createFileStore({ dir: join(folder, "store") });
  for (const options of BATCHES) {
    const { results, extras } = sampleSpending(options);
    const entries = [...results.map((result) => ({ result })), ...extras.map((result) => ({ result, isExtra: true as const }))].map(
      (entry, i) => ({ streamId: `${i + 1}-0`, ...entry }),
    );
    for (let i = 0; i < entries.length; i += CHUNK) await store.append(options.batch, entries.slice(i, i + CHUNK));
  }
  await store.stop();
}

function configuration(): object {
  const models = (provider: string) =>
    Object.fromEntries(
      SAMPLE_MODELS.filter(({ id }) => id.startsWith(`${provider}/`)).map(({ id, price }) => [
        id.slice(provider.length + 1),
        { price: { input: price.input / 1e6, cachedInput: price.cachedInput / 1e6, output: price.output / 1e6 } },
      ]),
    );
  const provider = (name: string) => ({ kind: "openai-compatible", baseUrl: "http://localhost:8080/v1", models: models(name) });
  return { providers: { alpha: provider("alpha"), beta: provider("beta") }, tasks: {}, store: { dir: "store" } };
}
