// A record: the stretch of the input that makes one row, framed but not yet read. What the formats hand to `readRows`.

import type { JsonObject } from "../job/json.ts";
import { digestOf, isBlank, type Line } from "./lines.ts";

interface RecordBase {
  /** Physical line where it begins, from 1. */
  readonly line: number;
  readonly bytes: number;
  readonly digest: string;
}

/** `broken`: its extent is known, its content is not (too long, or its quotes don't close). */
export type RawRecord =
  | (RecordBase & { readonly kind: "framed"; readonly content: Buffer })
  | (RecordBase & { readonly kind: "broken"; readonly reason: string });

/** What a record says once read. */
export type Reading =
  | { readonly kind: "good"; readonly input: JsonObject; readonly body?: JsonObject; readonly id?: string }
  /** `input`, `body`: what could be read of it. */
  | { readonly kind: "bad"; readonly reason: string; readonly id?: string; readonly input?: JsonObject; readonly body?: JsonObject };

export interface ReadRecord {
  readonly record: RawRecord;
  readonly reading: Reading;
}

/** One input's reader: fed with the lines of each chunk, it answers with the records that they complete. */
export interface RecordReader {
  push(lines: readonly Line[]): ReadRecord[];
  end(): ReadRecord[];
}

/** A reader of formats in which a line is a record. */
export function createLineRecordReader(read: (content: Buffer) => Reading): RecordReader {
  return {
    push: (lines) => lines.filter((line) => !isBlank(line)).map((line) => toReadRecord(frameLine(line), read)),
    end: () => [],
  };
}

export function toReadRecord(record: RawRecord, read: (content: Buffer) => Reading): ReadRecord {
  return { record, reading: record.kind === "framed" ? read(record.content) : { kind: "bad", reason: record.reason } };
}

export function frameLine(line: Line): RawRecord {
  const base = { line: line.number, bytes: line.bytes };
  if (line.kind === "whole") return { ...base, kind: "framed", content: line.content, digest: digestOf(line.content) };
  return { ...base, kind: "broken", digest: line.digest, reason: tooLargeReason(line.bytes) };
}

export function tooLargeReason(bytes: number): string {
  return `the row is too large: ${bytes} bytes, above the limit of a row`;
}
