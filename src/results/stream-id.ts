// Redis stream ids, `milliseconds-sequence`: they are compared by number, not by letter.

/** Negative when `a` comes before `b`, zero when they are the same. */
export function compareStreamIds(a: string, b: string): number {
  const [aMs, aSequence] = parse(a);
  const [bMs, bSequence] = parse(b);
  return aMs - bMs || aSequence - bSequence;
}

/** The later one of two, of which either may be missing. */
export function laterStreamId(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareStreamIds(a, b) < 0 ? b : a;
}

function parse(id: string): [ms: number, sequence: number] {
  const dash = id.indexOf("-");
  return dash === -1 ? [Number(id), 0] : [Number(id.slice(0, dash)), Number(id.slice(dash + 1))];
}
