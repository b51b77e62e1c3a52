// A recorder's part in a test, as a process of its own: writes a batch's entries in order, some at a time, from where it is told; and says after each append how far it has come.

import { createFileStore } from "../../../src/results/files/file-store.ts";
import { answered, trailEntry } from "../sample-results.ts";

const [dir = "", rows = "", from = "", size = ""] = process.argv.slice(2);
const store = createFileStore({ dir });
for (let at = Number(from); at < Number(rows); at += Number(size)) {
  const entries = Array.from({ length: Math.min(Number(size), Number(rows) - at) }, (_, i) => {
    const row = at + i;
    const text = "x".repeat((row * 997) % 3_000);
    const trail = [trailEntry({ call: `b.${row}.0.0.1` })];
    return { streamId: `1-${row + 1}`, result: answered(row, { trail, answer: { text, finish: { unified: "stop", raw: null } } }) };
  });
  await store.append("b", entries);
  process.send!(at + entries.length);
}
await store.stop();
process.disconnect();
