// Axes of charts: where a value lies, from 0 (start) to 1 (end), and round values to mark.

export interface Axis {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** From nothing to a round value at or above `highest`, in about `ticks` steps of 1, 2 or 5. */
export function linearAxis(highest: number, ticks = 5): Axis {
  if (highest <= 0) return { at: () => 0, ticks: [0] };
  const decade = 10 ** Math.floor(Math.log10(highest / ticks));
  const step = decade * ([1, 2, 5].find((size) => highest / (size * decade) <= ticks) ?? 10);
  const steps = Math.ceil(highest / step - 1e-9);
  return { at: (value) => value / (steps * step), ticks: Array.from({ length: steps + 1 }, (_, i) => i * step) };
}

/** Around positive values, with room at both ends; marks at 1, and where few decades are shown at 2, 3 or 5 too. */
export function logarithmicAxis(values: readonly number[]): Axis {
  const [low, high] = [Math.min(...values) * 0.7, Math.max(...values) * 1.4];
  const span = Math.log(high / low);
  const steps = span > Math.log(1_000) ? [1] : span > Math.log(30) ? [1, 3] : [1, 2, 5];
  const ticks: number[] = [];
  for (let exponent = Math.floor(Math.log10(low)); 10 ** exponent <= high; exponent++) {
    ticks.push(...steps.map((step) => step * 10 ** exponent).filter((value) => value >= low && value <= high));
  }
  return { at: (value) => Math.log(value / low) / span, ticks };
}
