// One line of a segment: `{"crc":"…","s":"<stream id>","row":…,"round":…,"from":…,"r":<Result>}`, with `x` in place of `r` for an extra (a second result for
// its row, of which only the calls count). The checksum covers all that follows it, so that a line that was written in part is never taken for a whole
// one. `from` is the offset in the segment at which the append that wrote the line began: what was appended before was synced before, so that only
// lines from there on can be damaged by a crash.

import { crc32 } from "node:zlib";
import type { Result } from "../job/result.ts";
import type { StoredResult } from "./store.ts";

/** The start of a line: all that finding and ordering it needs. */
export interface LineHead {
  readonly streamId: string;
  readonly row: number;
  readonly round: number;
  readonly from: number;
  readonly isExtra: boolean;
}

/** The lines of one append, with their line ends. */
export function encodeLines(entries: readonly StoredResult[], from: number): Buffer {
  const lines = entries.map(({ streamId, result, isExtra }) => {
    const head = `"s":${JSON.stringify(streamId)},"row":${result.row},"round":${result.round},"from":${from}`;
    const body = `${head},"${isExtra ? "x" : "r"}":${JSON.stringify(result)}}`;
    return `{"crc":"${crc32(body).toString(16).padStart(8, "0")}",${body}\n`;
  });
  return Buffer.from(lines.join(""));
}

/** Reads a line's head and checks the whole of it; `undefined` when it isn't one that was written completely. `line` is without its line end. */
export function checkLine(line: Buffer): LineHead | undefined {
  const [, crc, streamId, row, round, from, key] = HEAD.exec(line.toString("latin1", 0, HEAD_BYTES)) ?? [];
  if (crc === undefined || streamId === undefined) return undefined;
  if (crc32(line.subarray(BODY_OFFSET)) !== Number.parseInt(crc, 16)) return undefined;
  return { streamId, row: Number(row), round: Number(round), from: Number(from), isExtra: key === "x" };
}

/** The result in a line that was checked. */
export function decodeLine(line: Buffer): Result {
  const { r, x } = JSON.parse(line.toString("utf8")) as { r?: Result; x?: Result };
  return (r ?? x) as Result;
}

const HEAD = /^\{"crc":"([0-9a-f]{8})","s":"(\d+(?:-\d+)?)","row":(\d+),"round":(\d+),"from":(\d+),"(r|x)":/;
/** Longer than any head. */
const HEAD_BYTES = 160;
const BODY_OFFSET = '{"crc":"01234567",'.length;
