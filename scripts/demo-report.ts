// The end of the demo: the answers in a file, as `modelfleet run` writes them, and the report with the accuracy against the answer key.

import { readFile } from "node:fs/promises";
import type { Result } from "../src/job/result.ts";
import type { Summary } from "../src/report/summary.ts";
import { openStore } from "../src/results/open-store.ts";
import type { OpenFleet } from "./open-fleet.ts";
import { writeAndSumUp } from "./output.ts";

export async function writeDemoAnswers(
  open: OpenFleet,
  { batch, output, keyFile }: { readonly batch: string; readonly output: string; readonly keyFile: string },
): Promise<Summary> {
  const key = await readKey(keyFile);
  const store = openStore(open.fleet);
  try {
    const { summary } = await writeAndSumUp(store, { batch, format: "jsonl", which: "answered", output }, (result) => isRight(result, key));
    return summary;
  } finally {
    await store.stop();
  }
}

/** Ticket id → the right label. */
async function readKey(file: string): Promise<ReadonlyMap<string, string>> {
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => JSON.parse(line) as { id: string; label: string }).map(({ id, label }) => [id, label]));
}

/** Undefined where the key has no word on the ticket, or there is no answer to judge. */
function isRight(result: Result, key: ReadonlyMap<string, string>): boolean | undefined {
  const expected = key.get(result.id ?? "");
  if (expected === undefined || result.status !== "answered") return undefined;
  return (result.answer.json as { readonly label?: string } | undefined)?.label === expected;
}
