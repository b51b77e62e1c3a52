// Lines → CSV records: a quoted field may hold line ends, so a record may take several lines. Reading the fields is csv-parse's work;
// framing is ours, because a broken quote must cost one row, not the rest of the file.
//
// States: idle (between records) → open (lines are held until their last quote closes) → idle. When an open record breaks (text after a
// closing quote, the limit, the end of the input), the lines after its first one decide. If most of them look like records of their own, the quote was
// a stray one: the first line alone is bad and the others are framed again. Else they belong to the broken record, which is one bad row;
// when it broke by the limit → skipping (lines are measured and dropped until the quote closes) → idle.

import { createHash } from "node:crypto";
import { digestOf, isBlank, shorten, type Line } from "./lines.ts";
import { frameLine, tooLargeReason, type RawRecord } from "./record.ts";

type WholeLine = Line & { readonly kind: "whole" };

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "open"; readonly held: WholeLine[]; bytes: number }
  | { readonly kind: "skipping"; readonly held: WholeLine[]; bytes: number };

export interface CsvFramer {
  push(line: Line): RawRecord[];
  end(): RawRecord[];
}

/** `columns` is asked when a record breaks: the number of fields a record should have (0 while the header is not read). */
export function createCsvFramer(options: { maxRecordBytes: number; columns: () => number }): CsvFramer {
  let state: State = { kind: "idle" };

  const step = (line: Line, out: RawRecord[]): readonly Line[] => {
    if (state.kind === "idle") return begin(line, out);
    // A line that was dropped can't tell whether it closed the quote: taken as closing, so that reading goes on.
    const quotes = line.kind === "whole" ? scanQuotes(line.content, true) : "closed";
    if (state.kind === "skipping") {
      state.bytes += line.bytes;
      if (quotes !== "open") close(state, out);
      return [];
    }
    if (line.kind === "too-long") return breakOff(state, tooLargeReason(state.bytes + line.bytes), out, [line]);
    state.held.push(line);
    state.bytes += line.bytes + 1;
    if (quotes === "broken") return breakOff(state, "text follows a closing quote", out);
    if (state.bytes > options.maxRecordBytes) return breakOff(state, tooLargeReason(state.bytes), out, [], quotes === "open");
    if (quotes === "closed") {
      out.push(join(state.held));
      state = { kind: "idle" };
    }
    return [];
  };

  const begin = (line: Line, out: RawRecord[]): readonly Line[] => {
    if (isBlank(line)) return [];
    if (line.kind === "too-long") {
      out.push(frameLine(line));
      return [];
    }
    const quotes = scanQuotes(line.content, false);
    if (quotes === "open") state = { kind: "open", held: [line], bytes: line.bytes };
    else if (quotes === "broken")
      out.push(broken([line], "a quote stands where none may: quote the whole field and double the quotes inside it"));
    else out.push(frameLine(line));
    return [];
  };

  /** Ends an open record; returns the lines that are to be framed again. */
  const breakOff = (
    open: State & { kind: "open" },
    reason: string,
    out: RawRecord[],
    more: readonly Line[] = [],
    skip = false,
  ): readonly Line[] => {
    const [first, ...rest] = open.held as [WholeLine, ...WholeLine[]];
    state = { kind: "idle" };
    if (areRecords(rest, options.columns())) {
      out.push(broken([first], "a quote opens in this line and never closes"));
      return [...rest, ...more];
    }
    if (skip) state = { kind: "skipping", held: open.held.slice(0, 1), bytes: open.bytes };
    else out.push(broken(open.held, reason));
    return more;
  };

  const close = (skipped: State & { kind: "skipping" }, out: RawRecord[]) => {
    const { digest, ...record } = broken(skipped.held, tooLargeReason(skipped.bytes));
    out.push({ ...record, bytes: skipped.bytes, digest: digestOf(Buffer.from(`${digest} ${skipped.bytes}`)) });
    state = { kind: "idle" };
  };

  const run = (lines: readonly Line[], out: RawRecord[]) => {
    const waiting = lines.toReversed();
    for (let line = waiting.pop(); line; line = waiting.pop()) waiting.push(...step(line, out).toReversed());
  };

  return {
    push(line) {
      const out: RawRecord[] = [];
      run([line], out);
      return out;
    },
    end() {
      const out: RawRecord[] = [];
      while (state.kind === "open") run(breakOff(state, "a quote opens in this record and never closes", out), out);
      if (state.kind === "skipping") close(state, out);
      return out;
    },
  };
}

/** Where a line leaves the quotes. `broken`: a quote inside an unquoted field, or text after a closing quote. */
function scanQuotes(content: Buffer, startsOpen: boolean): "open" | "closed" | "broken" {
  let at = startsOpen ? -1 : 0;
  let open = startsOpen;
  for (;;) {
    if (open) {
      const quote = content.indexOf(QUOTE, at + 1);
      if (quote === -1) return "open";
      at = quote + 1;
      if (content[at] === QUOTE) continue;
      if (at < content.length && content[at] !== COMMA) return "broken";
      open = false;
    }
    const quote = content.indexOf(QUOTE, at);
    if (quote === -1) return "closed";
    if (quote > 0 && content[quote - 1] !== COMMA) return "broken";
    open = true;
    at = quote;
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;

/** Do at least half of the lines have as many fields as a record? (Counted by commas: a guess is enough.) */
function areRecords(lines: readonly WholeLine[], columns: number): boolean {
  const fields = (line: WholeLine) => line.content.reduce((count, byte) => (byte === COMMA ? count + 1 : count), 1);
  return lines.filter((line) => fields(line) === columns).length * 2 >= lines.length;
}

function join(lines: readonly WholeLine[]): RawRecord {
  const pieces = lines.flatMap((line, i) => (i === lines.length - 1 ? [line.content] : [line.content, Buffer.from(line.end)]));
  return frameLine({
    ...(lines[0] as WholeLine),
    content: Buffer.concat(pieces),
    bytes: pieces.reduce((sum, piece) => sum + piece.length, 0),
  });
}

function broken(lines: readonly WholeLine[], reason: string): RawRecord & { readonly kind: "broken" } {
  const first = lines[0] as WholeLine;
  const last = lines.at(-1) as WholeLine;
  const hash = createHash("sha256");
  for (const line of lines) hash.update(line.content).update("\n");
  return {
    kind: "broken",
    line: first.number,
    bytes: lines.reduce((sum, line) => sum + line.bytes, 0),
    digest: shorten(hash.digest("hex")),
    reason: last === first ? reason : `${reason} (lines ${first.number} to ${last.number})`,
  };
}
