// Rounds of a bench as a table: medians, and each variant's speed as a ratio to the one it is held against, round by round.

/** Milliseconds per round; rounds of all variants alternate, so that the n-th ones belong together. */
export interface Variant {
  readonly name: string;
  readonly ms: readonly number[];
  /** CPU time per job in microseconds, by process; medians. */
  readonly cpuUs?: ReadonlyMap<string, number>;
}

export interface Comparison {
  readonly title: string;
  readonly jobs: number;
  /** The first one is what the others are held against. */
  readonly variants: readonly Variant[];
  /** By variant: the ratio that the design aims at. */
  readonly aims: Readonly<Record<string, number>>;
}

export interface Ratio {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** How fast `variant` was compared with `base`: 1 is the same, 0.5 half as fast. */
export function ratioOf(base: Variant, variant: Variant): Ratio {
  const ratios = variant.ms.map((ms, round) => base.ms[round]! / ms);
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}

export function renderComparison({ title, jobs, variants, aims }: Comparison): string {
  const base = variants[0]!;
  const rows = variants.map((variant) => {
    const { median: middle, min, max } = ratioOf(base, variant);
    const aim = aims[variant.name];
    return [
      variant.name,
      Math.round((jobs / median(variant.ms)) * 1_000).toLocaleString("en"),
      variant === base ? "1" : middle.toFixed(2),
      variant === base ? "" : `${min.toFixed(2)}–${max.toFixed(2)}`,
      aim === undefined ? "" : `≥ ${aim} ${middle >= aim ? "reached" : "missed"}`,
      variant.cpuUs === undefined ? "" : renderCpu(variant.cpuUs),
    ];
  });
  return `${title} (${jobs.toLocaleString("en")} jobs, ${base.ms.length} rounds)\n${renderTable([["", "jobs/s", "ratio", "min–max", "aim", "CPU µs per job"], ...rows])}`;
}

function renderCpu(cpuUs: ReadonlyMap<string, number>): string {
  const parts = Array.from(cpuUs, ([name, us]) => `${name} ${Math.round(us)}`);
  const all = [...cpuUs.values()].reduce((sum, us) => sum + us, 0);
  return `${Math.round(all)} = ${parts.join(" + ")}`;
}

/** Columns in line; the first row is the heading. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const isText = (column: number) => column === 0 || column === rows[0]!.length - 1;
  return rows
    .map((row) =>
      `  ${row.map((cell, column) => (isText(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join("  ")}`.trimEnd(),
    )
    .join("\n");
}

/** The same for programs. */
export function comparisonData({ title, jobs, variants, aims }: Comparison): object {
  const base = variants[0]!;
  return {
    title,
    jobs,
    variants: variants.map((variant) => ({
      name: variant.name,
      jobsPerSecond: Math.round((jobs / median(variant.ms)) * 1_000),
      ratio: rounded(ratioOf(base, variant)),
      ...(aims[variant.name] === undefined ? {} : { aim: aims[variant.name] }),
      ...(variant.cpuUs === undefined
        ? {}
        : { cpuUsPerJob: Object.fromEntries(Array.from(variant.cpuUs, ([name, us]) => [name, Math.round(us)])) }),
    })),
  };
}

function rounded({ median: middle, min, max }: Ratio): Ratio {
  return { median: toThousandth(middle), min: toThousandth(min), max: toThousandth(max) };
}

function toThousandth(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
