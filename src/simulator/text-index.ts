// Finds which of thousands of known texts appears in a message, without trying each: the longest one wins.
//
// A message that is a known text is found by its hash at once. Else every text is known by an anchor: 32 (16, 8, 4, 1) of its characters, taken where
// they are rarest. A rolling hash runs over the message once per anchor length; only where an anchor's hash comes up is a text compared.

export interface TextIndex {
  /** Position (in the list of texts) of the longest text that the message contains. */
  find(message: string): number | undefined;
}

interface Candidate {
  readonly text: string;
  readonly position: number;
  /** Where the anchor lies in the text. */
  readonly offset: number;
}

interface Tier {
  readonly length: number;
  readonly byHash: Map<number, Candidate[]>;
  /** One bit of a hash's low 16: most places of a message are dismissed here. */
  readonly seen: Uint8Array;
}

const ANCHOR_LENGTHS = [32, 16, 8, 4, 1];
const BASE = 16777619;

/** Texts are compared without white space at their ends; empty ones are never found. Of equal texts the first counts. */
export function createTextIndex(texts: readonly string[]): TextIndex {
  const whole = new Map<string, number>();
  texts.forEach((text, position) => {
    for (const form of formsOf(text)) if (form !== "" && !whole.has(form)) whole.set(form, position);
  });
  const tiers = ANCHOR_LENGTHS.map((length, i) => buildTier(length, ANCHOR_LENGTHS[i - 1] ?? Infinity, whole)).filter(
    (tier) => tier.byHash.size > 0,
  );

  return {
    find(message) {
      const exact = whole.get(message.trim());
      if (exact !== undefined) return exact;
      let best: Candidate | undefined;
      for (const tier of tiers) {
        scan(message, tier, (candidate, at) => {
          if (best && best.text.length >= candidate.text.length) return;
          if (at >= candidate.offset && message.startsWith(candidate.text, at - candidate.offset)) best = candidate;
        });
      }
      return best?.position;
    },
  };
}

/** The text as it is, and as it looks inside a JSON string, for prompts that hold their input as JSON. */
function formsOf(text: string): readonly string[] {
  const plain = text.trim();
  const escaped = JSON.stringify(plain).slice(1, -1);
  return escaped === plain ? [plain] : [plain, escaped];
}

function buildTier(length: number, below: number, whole: ReadonlyMap<string, number>): Tier {
  const members = [...whole].filter(([text]) => text.length >= length && text.length < below);
  const uses = new Map<number, number>();
  for (const [text] of members) {
    for (const offset of offsetsOf(text, length)) {
      const hash = hashOf(text, offset, length);
      uses.set(hash, (uses.get(hash) ?? 0) + 1);
    }
  }
  const byHash = new Map<number, Candidate[]>();
  const seen = new Uint8Array(1 << 16);
  for (const [text, position] of members) {
    let anchor = { hash: 0, offset: 0, uses: Infinity };
    for (const offset of offsetsOf(text, length)) {
      const hash = hashOf(text, offset, length);
      const count = uses.get(hash) ?? 0;
      if (count < anchor.uses) anchor = { hash, offset, uses: count };
    }
    const candidates = byHash.get(anchor.hash);
    const candidate = { text, position, offset: anchor.offset };
    if (candidates) candidates.push(candidate);
    else byHash.set(anchor.hash, [candidate]);
    seen[anchor.hash & 0xffff] = 1;
  }
  return { length, byHash, seen };
}

/** Up to nine places spread over the text. */
function offsetsOf(text: string, length: number): readonly number[] {
  const last = text.length - length;
  return [...new Set(Array.from({ length: 9 }, (_, i) => Math.floor((last * i) / 8)))];
}

function hashOf(text: string, offset: number, length: number): number {
  let hash = 0;
  for (let i = offset; i < offset + length; i++) hash = (Math.imul(hash, BASE) + text.charCodeAt(i)) | 0;
  return mix(hash);
}

function scan(message: string, tier: Tier, visit: (candidate: Candidate, at: number) => void): void {
  const { length, byHash, seen } = tier;
  if (message.length < length) return;
  let leaving = 1;
  for (let i = 1; i < length; i++) leaving = Math.imul(leaving, BASE);
  let hash = 0;
  for (let i = 0; i < message.length; i++) {
    if (i >= length) hash = (hash - Math.imul(message.charCodeAt(i - length), leaving)) | 0;
    hash = (Math.imul(hash, BASE) + message.charCodeAt(i)) | 0;
    if (i < length - 1) continue;
    const mixed = mix(hash);
    if (seen[mixed & 0xffff] === 0) continue;
    for (const candidate of byHash.get(mixed) ?? []) visit(candidate, i - length + 1);
  }
}

/** The low bits of a polynomial hash hardly depend on its early characters; this spreads them. */
function mix(hash: number): number {
  return hash ^ (hash >>> 15);
}
