// Tables as Parquet, one row group after the other: memory goes with a row group, not with the table. Money and tokens are int64, times are timestamps in UTC.

import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { soundCell, type TableColumn } from "./table.ts";

/** A row group ends with whichever comes first. */
const GROUP_ROWS = 20_000;
const GROUP_BYTES = 16 * 1024 * 1024;

/** The writer takes null for a cell without a value, and writes whatever JSON has no number for as JSON's null. */
const JSON_NULL = Number.NaN;

type Schema = ConstructorParameters<typeof ParquetWriter>[0]["schema"];
type Cell = string | number | bigint | boolean | object | null | undefined;

/** `write` is given the file's bytes in order, and waited for; they are overwritten afterwards. */
export async function writeParquet<Item>(
  columns: readonly TableColumn<Item>[],
  items: AsyncIterable<Item>,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const buffer = new ByteWriter();
  const flush = async () => {
    await write(buffer.getBytes());
    buffer.index = 0;
  };
  const parquet = new ParquetWriter({
    writer: Object.assign(buffer, { flush, finish: flush }),
    schema: [{ name: "root", num_children: columns.length }, ...columns.map(schemaOf)],
    createdBy: "modelfleet",
  });
  let cells: Cell[][] = columns.map(() => []);
  let rows = 0;
  let bytes = 0;
  const endGroup = async () => {
    const columnData = columns.map(({ name }, i) => ({ name, data: cells[i] ?? [] }));
    await parquet.write({ columnData, rowGroupSize: rows });
    cells = columns.map(() => []);
    rows = 0;
    bytes = 0;
  };
  for await (const item of items) {
    for (const [i, column] of columns.entries()) {
      const cell = cellOf(column, item);
      cells[i]?.push(cell);
      bytes += sizeOf(cell);
    }
    rows++;
    if (rows >= GROUP_ROWS || bytes >= GROUP_BYTES) await endGroup();
  }
  if (rows > 0) await endGroup();
  await parquet.finish();
}

function schemaOf<Item>({ name, type, isOptional }: TableColumn<Item>): Schema[number] {
  const element = { name, repetition_type: isOptional ? "OPTIONAL" : "REQUIRED" } as const;
  switch (type) {
    case "text":
      return { ...element, type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } };
    case "json":
      return { ...element, type: "BYTE_ARRAY", converted_type: "JSON", logical_type: { type: "JSON" } };
    case "int32":
      return { ...element, type: "INT32" };
    case "int64":
      return { ...element, type: "INT64" };
    case "double":
      return { ...element, type: "DOUBLE" };
    case "boolean":
      return { ...element, type: "BOOLEAN" };
    case "time": {
      const logical_type = { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MILLIS" } as const;
      return { ...element, type: "INT64", converted_type: "TIMESTAMP_MILLIS", logical_type };
    }
    default:
      return type satisfies never;
  }
}

function cellOf<Item>(column: TableColumn<Item>, item: Item): Cell {
  const value = soundCell(column, item);
  if (value === null) return JSON_NULL;
  return typeof value === "number" && (column.type === "int64" || column.type === "time") ? BigInt(value) : value;
}

/** Of what may be long; about, in bytes. */
function sizeOf(cell: Cell): number {
  if (typeof cell === "string") return cell.length;
  return typeof cell === "object" ? JSON.stringify(cell).length : 0;
}
