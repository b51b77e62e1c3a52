// Redis stream ids, `milliseconds-sequence`: they are compared by number, not by letter.

/** Negative when `a` comes before `b`, zero when they are the same. */
export function compareStreamIds(a: string, b: string): number {
  const [aMs, aSequence] = parse(a);
  const [bMs, bSequence] = parse(b);
  return aMs - bMs || aSequence - bSequence;
}

function parse(id: string): [ms: number, sequence: number] {
  const dash = id.indexOf("-");
  return dash === -1 ? [Number(id), 0] : [Number(id.slice(0, dash)), Number(id.slice(dash + 1))];
}
