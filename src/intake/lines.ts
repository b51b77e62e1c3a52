// Bytes → physical lines. A line above the limit is measured and digested as it streams by, never held.

import { createHash, hash, type Hash } from "node:crypto";

interface LineBase {
  /** Physical line number, from 1. */
  readonly number: number;
  /** Size without the line's end and the byte-order mark; of a line too long: as it came. */
  readonly bytes: number;
}

export type Line =
  | (LineBase & { readonly kind: "whole"; readonly content: Buffer; readonly end: "" | "\n" | "\r\n" })
  | (LineBase & { readonly kind: "too-long"; readonly digest: string });

export interface LineSplitter {
  /** The lines that end within `chunk`. Their contents may be views of it. */
  push(chunk: Uint8Array): Line[];
  /** The last line, where the input doesn't end with a line's end. */
  end(): Line[];
}

/** Splits at LF, takes the CR before it off, and skips a UTF-8 byte-order mark. What comes out doesn't depend on where the chunks were cut. */
export function createLineSplitter(options: { maxLineBytes: number }): LineSplitter {
  const { maxLineBytes } = options;
  /** What the unfinished line may reach before it is given up: a byte-order mark and a CR don't count. */
  const holdBytes = maxLineBytes + BOM.length + 1;
  let number = 0;
  let held: Buffer[] = [];
  let heldBytes = 0;
  let dropped: { readonly hash: Hash; bytes: number } | undefined;

  const hold = (piece: Buffer) => {
    if (dropped) {
      dropped.hash.update(piece);
      dropped.bytes += piece.length;
      return;
    }
    held.push(piece);
    heldBytes += piece.length;
    if (heldBytes <= holdBytes) return;
    dropped = { hash: createHash("sha256"), bytes: heldBytes };
    for (const part of held) dropped.hash.update(part);
    held = [];
  };

  const finish = (end: "" | "\n"): Line => {
    number++;
    const tooLong = dropped;
    const raw = held.length === 1 ? (held[0] as Buffer) : Buffer.concat(held);
    held = [];
    heldBytes = 0;
    dropped = undefined;
    if (tooLong) return { kind: "too-long", number, bytes: tooLong.bytes, digest: shorten(tooLong.hash.digest("hex")) };
    const hasCr = end === "\n" && raw.at(-1) === CR;
    const start = number === 1 && raw.subarray(0, BOM.length).equals(BOM) ? BOM.length : 0;
    const content = start > 0 || hasCr ? raw.subarray(start, raw.length - (hasCr ? 1 : 0)) : raw;
    if (content.length > maxLineBytes) return { kind: "too-long", number, bytes: raw.length, digest: digestOf(raw) };
    return { kind: "whole", number, bytes: content.length, content, end: hasCr ? "\r\n" : end };
  };

  return {
    push(chunk) {
      const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const lines: Line[] = [];
      let start = 0;
      for (let end = buffer.indexOf(LF); end !== -1; end = buffer.indexOf(LF, start)) {
        hold(buffer.subarray(start, end));
        lines.push(finish("\n"));
        start = end + 1;
      }
      if (start < buffer.length) hold(buffer.subarray(start));
      return lines;
    },
    end: () => (heldBytes > 0 || dropped ? [finish("")] : []),
  };
}

const LF = 0x0a;
const CR = 0x0d;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/** A line of nothing but spaces, tabs and CRs. */
export function isBlank(line: Line): boolean {
  return line.kind === "whole" && line.content.every((byte) => byte === 0x20 || byte === 0x09 || byte === CR);
}

/** The digest of a row's bytes: 32 hexadecimal characters of SHA-256. */
export function digestOf(bytes: Uint8Array): string {
  return shorten(hash("sha256", bytes, "hex"));
}

export function shorten(hexDigest: string): string {
  return hexDigest.slice(0, 32);
}
