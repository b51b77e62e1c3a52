// Finds places for labels beside their points, so that they cover neither each other nor other points: each takes the first free place around
// its point, the important ones first. Greedy, which is enough for a dozen labels.

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface LabelRequest {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly width: number;
  readonly height: number;
}

/** Boxes in the order of the requests. Where nothing is free, the place that is covered least. */
export function placeLabels(requests: readonly LabelRequest[], obstacles: readonly Box[], bounds: Box): readonly Box[] {
  const placed: Box[] = [];
  for (const request of requests) {
    const choices = places(request).map((box) => ({ box, cost: cost(box, [...obstacles, ...placed], bounds) }));
    const best = choices.reduce((least, choice) => (choice.cost < least.cost - 1e-9 ? choice : least));
    placed.push(best.box);
  }
  return placed;
}

/** Near ones first: right, left, above, below, the corners; then the same further away. */
function places({ x, y, radius, width, height }: LabelRequest): readonly Box[] {
  return [radius + 4, radius + 14, radius + 26].flatMap((gap) => [
    { x: x + gap, y: y - height / 2, width, height },
    { x: x - gap - width, y: y - height / 2, width, height },
    { x: x - width / 2, y: y - gap - height, width, height },
    { x: x - width / 2, y: y + gap, width, height },
    { x: x + gap * 0.7, y: y - gap * 0.7 - height, width, height },
    { x: x + gap * 0.7, y: y + gap * 0.7, width, height },
    { x: x - gap * 0.7 - width, y: y - gap * 0.7 - height, width, height },
    { x: x - gap * 0.7 - width, y: y + gap * 0.7, width, height },
  ]);
}

function cost(box: Box, others: readonly Box[], bounds: Box): number {
  const outside = box.width * box.height - overlap(box, bounds);
  return 10 * outside + others.reduce((sum, other) => sum + overlap(box, other), 0);
}

function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}
