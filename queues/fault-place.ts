// What may be told of a fault beyond the log: its kind, and where in our code it is. Its message may hold what a row holds.

/** Where our code lies: the sources, or the built package. Stacks name files by URL or by path. */
const ROOT = new URL("..", import.meta.url).pathname;

/** The error's name, and the innermost line of ours that it came through: `TypeError at workers/pool.ts:87:12`. */
export function placeOfFault(error: unknown): string {
  if (!(error instanceof Error)) return "something was thrown that is no error";
  const frames = (error.stack ?? "").split("\n").flatMap((line) => {
    const at = line.indexOf(ROOT);
    const place = at < 0 ? "" : line.slice(at + ROOT.length).replace(/\)$/, "");
    return place === "" || place.startsWith("node_modules/") ? [] : [place];
  });
  return frames[0] === undefined ? error.name : `${error.name} at ${frames[0]}`;
}
