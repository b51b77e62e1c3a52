// The line of random mixing: sending a share of the jobs one way and the rest another gives every point between the two, so that what can be
// had for a cost is the upper edge of the convex hull of cost and quality.

import type { CostQuality } from "./pilot.ts";

/** The corners, from the cheapest point to the best one. */
export function mixingLine(points: readonly CostQuality[]): readonly CostQuality[] {
  const corners: CostQuality[] = [];
  for (const point of points.toSorted((a, b) => a.costNanoUsd - b.costNanoUsd || b.quality - a.quality)) {
    const last = corners.at(-1);
    if (last && point.quality <= last.quality) continue;
    // A corner that the new point's line passes above is none (Andrew's monotone chain).
    while (corners.length >= 2 && slope(corners.at(-2)!, corners.at(-1)!) <= slope(corners.at(-2)!, point)) corners.pop();
    corners.push({ costNanoUsd: point.costNanoUsd, quality: point.quality });
  }
  return corners;
}

/** The best quality that mixing gets for this cost; undefined: nothing is as cheap. */
export function mixedQuality(line: readonly CostQuality[], costNanoUsd: number): number | undefined {
  const next = line.findIndex((corner) => corner.costNanoUsd > costNanoUsd);
  if (next === 0) return undefined;
  if (next === -1) return line.at(-1)?.quality;
  const [from, to] = [line[next - 1]!, line[next]!];
  return from.quality + slope(from, to) * (costNanoUsd - from.costNanoUsd);
}

function slope(from: CostQuality, to: CostQuality): number {
  return (to.quality - from.quality) / (to.costNanoUsd - from.costNanoUsd);
}
