// Chance that repeats: the same seed and the same words give the same numbers, in every run and every process.

/** A number in [0, 1) that depends on the seed and the words alone (FNV-1a, finished by MurmurHash3's mixer). */
export function hashToUnit(seed: number, ...words: readonly string[]): number {
  let hash = 2166136261 ^ seed;
  for (const word of words) {
    for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 16777619);
    // Keeps ("ab", "c") and ("a", "bc") apart.
    hash = Math.imul(hash ^ 0x1ff, 16777619);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** A stream of numbers in [0, 1) (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
