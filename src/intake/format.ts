// Which format an input has: by its name, else by its first readable line.

import { UsageError } from "../job/errors.ts";
import { isObject, parseJsonObject } from "./json-object.ts";
import { createLineSplitter } from "./lines.ts";
import type { RowFormat } from "./row.ts";

/** An input whose start was read to see its format; `source` delivers all of it, from the first byte. */
export interface PeekedInput {
  readonly format: RowFormat;
  readonly source: AsyncIterable<Uint8Array>;
}

const MAX_PEEK_BYTES = 1024 * 1024 + 1024;
/** Enough to know a file that is not text. */
const MAGIC_BYTES = 4;

/**
 * Reads as far as the format needs (its first complete JSON line, at most about 1 MiB), so that a slow pipe is not waited for.
 * @throws UsageError for inputs that are not text in UTF-8: compressed, or UTF-16.
 */
export async function peekFormat(path: string, source: AsyncIterable<Uint8Array>): Promise<PeekedInput> {
  const chunks = source[Symbol.asyncIterator]();
  const peeked: Uint8Array[] = [];
  const splitter = createLineSplitter({ maxLineBytes: MAX_PEEK_BYTES });
  let bytes = 0;
  let format: RowFormat | undefined = isCsvName(path) ? "csv" : undefined;
  while (bytes < MAX_PEEK_BYTES && (format === undefined || bytes < MAGIC_BYTES)) {
    const next = await chunks.next();
    const lines = next.done ? splitter.end() : splitter.push(next.value);
    for (const line of lines) if (line.kind === "whole") format ??= formatOfLine(line.content);
    if (next.done) break;
    peeked.push(next.value);
    bytes += next.value.length;
  }
  assertText(path, Buffer.concat(peeked.slice(0, MAGIC_BYTES)));
  return { format: format ?? "jsonl", source: resume(peeked, chunks) };
}

/** The format of a file, from its name and its first bytes. */
export function detectFormat(path: string, firstBytes: Uint8Array): RowFormat {
  assertText(path, firstBytes);
  if (isCsvName(path)) return "csv";
  const splitter = createLineSplitter({ maxLineBytes: MAX_PEEK_BYTES });
  for (const line of [...splitter.push(firstBytes), ...splitter.end()]) {
    const format = line.kind === "whole" ? formatOfLine(line.content) : undefined;
    if (format) return format;
  }
  return "jsonl";
}

function isCsvName(path: string): boolean {
  return path.toLowerCase().endsWith(".csv");
}

/** OpenAI-batch lines have a custom_id and a body; `undefined` for a line that is no JSON object. */
function formatOfLine(content: Buffer): RowFormat | undefined {
  const parsed = parseJsonObject(content);
  if ("reason" in parsed) return undefined;
  return "custom_id" in parsed.object && isObject(parsed.object["body"]) ? "openai" : "jsonl";
}

function assertText(path: string, bytes: Uint8Array): void {
  const name = path === "-" ? "standard input" : path;
  const start = Buffer.from(bytes.subarray(0, MAGIC_BYTES)).toString("hex");
  if (start.startsWith("fffe") || start.startsWith("feff"))
    throw new UsageError(`${name} is UTF-16 text`, "Convert it to UTF-8, for example with: iconv -f UTF-16 -t UTF-8");
  if (start.startsWith("1f8b"))
    throw new UsageError(`${name} is compressed with gzip`, "Unpack it into the command: gunzip -c FILE | modelfleet run - …");
  if (start === "504b0304") throw new UsageError(`${name} is a zip archive or a spreadsheet`, "Export it as CSV in UTF-8.");
}

async function* resume(peeked: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* peeked;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
