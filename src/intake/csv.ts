// CSV: the header row names the fields, each record is a row. Values are strings, but where the input schema asks for a number or a boolean.

import { isUtf8 } from "node:buffer";
import { parse } from "csv-parse/sync";
import { UsageError } from "../job/errors.ts";
import type { JsonSchema, JsonValue } from "../job/json.ts";
import { createCoercions, type Coercion } from "./csv-coercion.ts";
import { createCsvFramer } from "./csv-framing.ts";
import { labelOf } from "./json-object.ts";
import type { RawRecord, ReadRecord, Reading, RecordReader } from "./record.ts";

/**
 * Reads comma-separated records with quoted fields; blank lines are skipped. The columns `id` or `custom_id` hold the row's label.
 * @throws UsageError when the header row can't be used: without it no row means anything.
 */
export function createCsvReader(options: { maxRecordBytes: number; schema?: JsonSchema }): RecordReader {
  let columns: readonly string[] | undefined;
  let coercions: readonly (Coercion | undefined)[] = [];
  const framer = createCsvFramer({ maxRecordBytes: options.maxRecordBytes, columns: () => columns?.length ?? 0 });

  const readHeader = (record: RawRecord) => {
    columns = parseHeader(record);
    coercions = createCoercions(columns, options.schema);
  };

  const toReading = (fields: readonly string[], names: readonly string[]): Reading => {
    if (fields.length !== names.length)
      return { kind: "bad", reason: `the record has ${fields.length} fields, the header row has ${names.length}` };
    const input: Record<string, JsonValue> = {};
    names.forEach((name, i) => {
      const field = fields[i] as string;
      const coerce = coercions[i];
      const value = coerce ? coerce(field) : field;
      if (value !== undefined) input[name] = value;
    });
    const label = labelOf(input);
    return "reason" in label ? { kind: "bad", reason: label.reason } : { kind: "good", input, ...label };
  };

  const readAll = (records: readonly RawRecord[]): ReadRecord[] => {
    const rest = columns ? records : records.slice(1);
    if (!columns && records[0]) readHeader(records[0]);
    const names = columns ?? [];
    const readable = rest.filter((record) => record.kind === "framed" && isUtf8(record.content)) as FramedRecord[];
    const fields = parseRecords(readable).values();
    const isReadable = new Set<RawRecord>(readable);
    return rest.map((record) => {
      if (record.kind === "broken") return { record, reading: { kind: "bad", reason: record.reason } };
      if (!isReadable.has(record)) return { record, reading: { kind: "bad", reason: "the record is not valid UTF-8" } };
      const parsed = fields.next().value as ParsedRecord;
      return { record, reading: "reason" in parsed ? { kind: "bad", reason: parsed.reason } : toReading(parsed.fields, names) };
    });
  };

  return {
    // Lines go in one by one, so that the number of columns is known as soon as the header is read.
    push(lines) {
      const records: RawRecord[] = [];
      for (const line of lines) {
        records.push(...framer.push(line));
        if (!columns && records[0]) readHeader(records.shift() as RawRecord);
      }
      return readAll(records);
    },
    end: () => readAll(framer.end()),
  };
}

type FramedRecord = RawRecord & { readonly kind: "framed" };
type ParsedRecord = { readonly fields: readonly string[] } | { readonly reason: string };

function parseHeader(record: RawRecord): readonly string[] {
  const at = `the CSV header row (line ${record.line})`;
  if (record.kind === "broken") throw new UsageError(`${at} can't be read: ${record.reason}`);
  if (!isUtf8(record.content)) throw new UsageError(`${at} is not valid UTF-8`, "Save the file as UTF-8.");
  const [parsed] = parseRecords([record]) as [ParsedRecord];
  if ("reason" in parsed) throw new UsageError(`${at} can't be read: ${parsed.reason}`);
  const names = parsed.fields.map((field) => field.trim());
  const empty = names.findIndex((name) => name === "" || name === "__proto__");
  if (empty !== -1) throw new UsageError(`${at} has no usable name in column ${empty + 1}`, "Give every column a name.");
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) throw new UsageError(`${at} names the column "${repeated}" twice`, "Rename one of the two.");
  return names;
}

/** Many records in one call of csv-parse, which is far cheaper than a call each; when one of them doesn't parse, each by itself. */
function parseRecords(records: readonly FramedRecord[]): ParsedRecord[] {
  if (records.length === 0) return [];
  try {
    const parsed = parse(Buffer.concat(records.flatMap((record) => [record.content, LINE_END])), PARSE_OPTIONS);
    if (parsed.length === records.length) return parsed.map((fields) => ({ fields }));
  } catch {
    // Found again below, with the record it belongs to.
  }
  return records.map((record) => parseRecord(record.content));
}

function parseRecord(content: Buffer): ParsedRecord {
  try {
    const [fields] = parse(content, PARSE_OPTIONS);
    return fields ? { fields } : { reason: "the record is empty" };
  } catch (error) {
    return { reason: (error as Error).message };
  }
}

const LINE_END = Buffer.from("\n");
const PARSE_OPTIONS = { record_delimiter: "\n", relax_column_count: true, max_record_size: 0 } as const;
