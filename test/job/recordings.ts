// The recorded answers beside the checkout, for tests that use them where they are there.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface Recording {
  readonly answer: string;
  readonly models: Readonly<Record<string, { readonly response: string; readonly correct: boolean }>>;
}

const path = (name: string) => fileURLToPath(new URL(`../../../shared/data/recorded-${name}.jsonl`, import.meta.url));

export const hasRecordings = existsSync(path("gsm8k")) && existsSync(path("crux"));

export function readRecordings(name: "gsm8k" | "crux"): readonly Recording[] {
  return readFileSync(path(name), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Recording);
}
