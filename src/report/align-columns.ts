// Text in columns, for reports on a terminal.

export type Side = "left" | "right";

/** Lines, indented by two. */
export function alignColumns(rows: readonly (readonly string[])[], sides: readonly Side[]): string[] {
  const widths = sides.map((_, column) => rows.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), 0));
  return rows.map((row) =>
    row
      .map((text, column) => (sides[column] === "left" ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)))
      .join("  ")
      .replace(/^/, "  ")
      .trimEnd(),
  );
}
