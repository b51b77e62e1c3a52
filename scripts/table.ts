// Plain tables for the terminal: columns aligned, numbers to the right.

const NUMERIC = /^[$\d][\d.,$/+]*$/;
const WIDEST = 60;

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cut = rows.map((row) => row.map((cell) => (cell.length > WIDEST ? `${cell.slice(0, WIDEST - 1)}…` : cell)));
  const widths = head.map((title, i) => Math.max(title.length, ...cut.map((row) => row[i]?.length ?? 0)));
  const isRight = head.map((_, i) => cut.length > 0 && cut.every((row) => NUMERIC.test(row[i] ?? "")));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (isRight[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd();
  return `${[line(head), ...cut.map(line)].join("\n")}\n`;
}
