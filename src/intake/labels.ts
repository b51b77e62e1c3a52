// Which labels (`id`, `custom_id`) a file has used already: 16 bytes a row, so that millions of rows can be watched.

import { hash } from "node:crypto";

export interface LabelSet {
  /** The line that used the label before, or `undefined` when `line` (from 1) is its first. */
  claim(label: string, line: number): number | undefined;
}

/**
 * A hash set with open addressing in one typed array: 96 bits of the label's SHA-256 and 32 bits of its line a slot (two of 8 million labels
 * collide with a probability below 10^-15). It takes `limit` labels (128 MiB at the default); labels beyond are still compared with those, no longer with each other.
 */
export function createLabelSet(options: { limit?: number } = {}): LabelSet {
  const limit = options.limit ?? 8_000_000;
  const maxSlots = Math.max(MIN_SLOTS, 2 ** Math.ceil(Math.log2(limit + 1)));
  let slots = MIN_SLOTS;
  let table = new Uint32Array(slots * WORDS);
  let count = 0;

  const grow = () => {
    const old = table;
    slots *= 2;
    table = new Uint32Array(slots * WORDS);
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at] !== 0)
        table.set(old.subarray(at, at + WORDS), find(table, old[at + 1] as number, old[at + 2] as number, old[at + 3] as number));
    }
  };

  return {
    claim(label, line) {
      const digest = hash("sha256", label, "binary");
      const [a, b, c] = [word(digest, 0), word(digest, 4), word(digest, 8)];
      const at = find(table, a, b, c);
      const owner = table[at] as number;
      if (owner !== 0) return owner;
      if (count === limit) return undefined;
      table[at] = line;
      table[at + 1] = a;
      table[at + 2] = b;
      table[at + 3] = c;
      count++;
      // The largest table is filled to its limit: searching it gets slower, but never needs more memory.
      if (count > slots * 0.75 && slots < maxSlots) grow();
      return undefined;
    },
  };
}

const MIN_SLOTS = 4096;
/** A slot: the line (0: free), then three words of the hash. */
const WORDS = 4;

/** The slot that holds the hash, or the free one where it belongs. */
function find(table: Uint32Array, a: number, b: number, c: number): number {
  const mask = table.length - 1;
  let at = (a * WORDS) & mask;
  while (table[at] !== 0 && (table[at + 1] !== a || table[at + 2] !== b || table[at + 3] !== c)) at = (at + WORDS) & mask;
  return at;
}

function word(bytes: string, at: number): number {
  return (
    ((bytes.charCodeAt(at) << 24) | (bytes.charCodeAt(at + 1) << 16) | (bytes.charCodeAt(at + 2) << 8) | bytes.charCodeAt(at + 3)) >>> 0
  );
}
