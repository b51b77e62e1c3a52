// Reads a whole JSONL file of the user's: answer keys and recordings.

import { readFileSync } from "node:fs";

import type { z } from "zod";

import { UsageError } from "../job/errors.ts";

/** One checked object per non-blank line. Throws a `UsageError` with file and line for the first line that is wrong. */
export function readJsonl<Schema extends z.ZodType>(file: string, schema: Schema): z.output<Schema>[] {
  const found: z.output<Schema>[] = [];
  readText(file)
    .split("\n")
    .forEach((line, i) => {
      if (line.trim() === "") return;
      const parsed = schema.safeParse(parseLine(file, i + 1, line));
      if (parsed.success) found.push(parsed.data);
      else {
        const problems = parsed.error.issues.map((issue) => `${issue.path.map(String).join(".") || "(line)"}: ${issue.message}`);
        throw new UsageError(
          `${file}:${i + 1}: ${problems.join("; ")}`,
          "docs/simulator.md shows the lines of recordings and answer keys.",
        );
      }
    });
  return found;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    throw new UsageError(
      `${file}: can't be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
      "Paths in a configuration file are relative to its folder.",
    );
  }
}

function parseLine(file: string, line: number, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${file}:${line}: is not valid JSON: ${(error as Error).message}`);
  }
}
