// One line of a segment: `{"crc":"…","s":"<stream id>","row":…,"round":…,"from":…,"r":<Result>}`, with `x` in place of `r` for an extra (a second result for
// its row, of which only the calls count). The checksum covers all that follows it, so that a line that was written in part is never taken for a whole
// one. `from` is the offset in the segment at which the append that wrote the line began: what was appended before was synced before, so that only
// lines from there on can be damaged by a crash. `"e":0` in place of a result ends a segment: what stands before it was synced, the last append too.

import { crc32 } from "node:zlib";
import type { Result } from "../../job/result.ts";
import type { StoredResult } from "../store.ts";

/** The start of a line: all that finding and ordering it needs. */
export interface LineHead {
  readonly streamId: string;
  readonly row: number;
  readonly round: number;
  readonly from: number;
  readonly isExtra: boolean;
  /** It holds no result. */
  readonly isEnd: boolean;
}

/** The lines of entries from the first on, with their line ends; of all of them, or of those that fill `mostCharacters`. One at least. */
export function encodeLines(
  entries: readonly StoredResult[],
  { from, mostCharacters }: { readonly from: number; readonly mostCharacters: number },
): { readonly bytes: Buffer; readonly count: number } {
  const lines: string[] = [];
  let characters = 0;
  for (const { streamId, result, isExtra } of entries) {
    const head = headText({ streamId, row: result.row, round: result.round }, from);
    const body = `${head}"${isExtra ? "x" : "r"}":${JSON.stringify(result)}}`;
    const line = `{"crc":"${checksum(body)}",${body}\n`;
    lines.push(line);
    characters += line.length;
    if (characters >= mostCharacters) break;
  }
  return { bytes: Buffer.from(lines.join("")), count: lines.length };
}

export function encodeEnd(streamId: string, from: number): Buffer {
  const body = `${headText({ streamId, row: 0, round: 0 }, from)}"e":0}`;
  return Buffer.from(`{"crc":"${checksum(body)}",${body}\n`);
}

/** A line that was checked, with its line end, as an append of another segment would have written it. */
export function moveLine(line: Buffer, head: LineHead, from: number): Buffer {
  const rest = line.subarray(headOf(line)!.bytes);
  const body = Buffer.concat([Buffer.from(`${headText(head, from)}"${head.isExtra ? "x" : "r"}":`), rest]);
  return Buffer.concat([Buffer.from(`{"crc":"${checksum(body)}",`), body, Buffer.from("\n")]);
}

/** Reads a line's head and checks the whole of it; `undefined` when it isn't one that was written completely. `line` is without its line end. */
export function checkLine(line: Buffer): LineHead | undefined {
  const head = headOf(line);
  return head && crc32(line.subarray(BODY_OFFSET)) === head.crc ? head.head : undefined;
}

/** A line of nothing but blanks: somebody overwrote a damaged one. */
export function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

/** The result in a line that was checked. */
export function decodeLine(line: Buffer): Result {
  const { r, x } = JSON.parse(line.toString("utf8")) as { r?: Result; x?: Result };
  return (r ?? x) as Result;
}

const HEAD = /^\{"crc":"([0-9a-f]{8})","s":"(\d+(?:-\d+)?)","row":(\d+),"round":(\d+),"from":(\d+),"([rxe])":/;
/** Longer than any head. */
const HEAD_BYTES = 160;
const BODY_OFFSET = '{"crc":"01234567",'.length;

function headText({ streamId, row, round }: Pick<LineHead, "streamId" | "row" | "round">, from: number): string {
  return `"s":${JSON.stringify(streamId)},"row":${row},"round":${round},"from":${from},`;
}

function checksum(body: string | Buffer): string {
  return crc32(body).toString(16).padStart(8, "0");
}

function headOf(line: Buffer): { readonly head: LineHead; readonly crc: number; readonly bytes: number } | undefined {
  const [all, crc, streamId, row, round, from, key] = HEAD.exec(line.toString("latin1", 0, HEAD_BYTES)) ?? [];
  if (all === undefined || crc === undefined || streamId === undefined) return undefined;
  const head = { streamId, row: Number(row), round: Number(round), from: Number(from), isExtra: key === "x", isEnd: key === "e" };
  return { head, crc: Number.parseInt(crc, 16), bytes: all.length };
}
