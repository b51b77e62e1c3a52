// The sample of a pilot: rows drawn from an input, each as likely as any other, in one pass and with no more of them in memory than are drawn.

import { createHash } from "node:crypto";
import type { Row } from "../src/intake/row.ts";
import { UsageError } from "../src/job/errors.ts";
import type { JsonObject, JsonValue } from "../src/job/json.ts";
import { createRandom } from "../src/runtime/seeded-random.ts";

export type GoodRow = Extract<Row, { readonly kind: "good" }>;

export interface SampledRow {
  /** As the models are asked: without its gold answer. */
  readonly row: GoodRow;
  /** The right answer, where the pilot has a field for it. */
  readonly gold?: JsonValue;
}

export interface PilotSample {
  /** In random order, so that the first of them are a sample too. */
  readonly rows: readonly SampledRow[];
  /** Rows that could be drawn. */
  readonly of: number;
  /** Left out: rows that are wrong, and rows without a gold answer. */
  readonly badRows: number;
  readonly rowsWithoutGold: number;
}

export interface SampleOptions {
  readonly size: number;
  /** The same rows and seed: the same sample. */
  readonly seed: number;
  /** The field of the row that holds the right answer; dots lead inside. */
  readonly gold?: string | undefined;
}

/** @throws UsageError when there is nothing to draw from, saying why. */
export async function drawSample(rows: AsyncIterable<Row>, { size, seed, gold }: SampleOptions): Promise<PilotSample> {
  const path = gold?.split(".");
  const random = createRandom(seed);
  const drawn: SampledRow[] = [];
  let of = 0;
  let badRows = 0;
  let rowsWithoutGold = 0;
  let firstReason = "";
  for await (const row of rows) {
    if (row.kind === "bad") {
      badRows++;
      firstReason ||= `line ${row.line}: ${row.reason}`;
      continue;
    }
    const answer = path && valueAt(row.input, path);
    if (path && answer === undefined) {
      rowsWithoutGold++;
      firstReason ||= `line ${row.line} has ${Object.keys(row.input).join(", ") || "no fields"}`;
      continue;
    }
    of++;
    // Vitter's algorithm R: the n-th row takes a place with probability size / n, and any place alike.
    const place = of <= size ? of - 1 : Math.floor(random() * of);
    if (place < size) drawn[place] = path && answer !== undefined ? { row: asAsked(row, path), gold: answer } : { row: asAsked(row) };
  }
  if (of === 0) throw nothingToDraw({ gold, badRows, rowsWithoutGold, firstReason });
  return { rows: shuffled(drawn, random), of, badRows, rowsWithoutGold };
}

/** Fisher and Yates. */
function shuffled<Item>(items: readonly Item[], random: () => number): readonly Item[] {
  const mixed = [...items];
  for (let last = mixed.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [mixed[last], mixed[other]] = [mixed[other]!, mixed[last]!];
  }
  return mixed;
}

function nothingToDraw(seen: {
  readonly gold: string | undefined;
  readonly badRows: number;
  readonly rowsWithoutGold: number;
  readonly firstReason: string;
}): UsageError {
  const { gold, badRows, rowsWithoutGold, firstReason } = seen;
  if (rowsWithoutGold > 0) return new UsageError(`no row has the field "${gold}" with a right answer`, `${firstReason}.`);
  if (badRows > 0) return new UsageError(`no row of the input can be asked: all ${badRows} are wrong`, `${firstReason}.`);
  return new UsageError("the input has no rows", "Give a file with some: a pilot learns from 200 or more.");
}

/** The gold answer must not be told to the models, whatever the prompt shows of its row. */
function asAsked(row: GoodRow, gold?: readonly string[]): GoodRow {
  const input = gold ? without(row.input, gold) : row.input;
  const digest = createHash("sha256")
    .update(JSON.stringify([row.id, input, row.body]))
    .digest("hex")
    .slice(0, 32);
  return { ...row, input, digest };
}

function valueAt(input: JsonObject, [name = "", ...rest]: readonly string[]): JsonValue | undefined {
  const value = Object.hasOwn(input, name) ? (input[name] ?? undefined) : undefined;
  if (rest.length === 0 || value === undefined) return value;
  return isObject(value) ? valueAt(value, rest) : undefined;
}

function without(input: JsonObject, [name = "", ...rest]: readonly string[]): JsonObject {
  const { [name]: value, ...others } = input;
  return rest.length > 0 && value !== undefined && isObject(value) ? { ...others, [name]: without(value, rest) } : others;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
