// Quantities with units, as configurations write them: durations (`60s`) and sizes (`64MiB`).

import { z } from "zod";

const MILLISECONDS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const BYTES = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;
/** The longest delay that Node's timers take. */
const LONGEST_MS = 2 ** 31 - 1;

/** `500ms`, `60s`, `15m`, `24h`, `7d` → milliseconds. */
export const duration = quantity(MILLISECONDS, "a duration such as 500ms, 60s, 15m or 24h", LONGEST_MS);

/** How long something lasts that nothing waits for: `none`, `24h`, `30d` → milliseconds. */
export const period = z.preprocess(
  (value) => (value === "none" ? "0s" : value),
  quantity(MILLISECONDS, "a period such as 24h or 30d, or none", Number.MAX_SAFE_INTEGER, 0),
);

/** `500KiB`, `64MiB`, `1GiB` → bytes. */
export const byteSize = quantity(BYTES, "a size such as 500KiB or 64MiB", Number.MAX_SAFE_INTEGER);

function quantity(units: Readonly<Record<string, number>>, what: string, highest: number, lowest = 1) {
  return z.union([z.string(), z.number()]).transform((value, context) => {
    const [, number = "", unit = ""] = /^(\d{1,15}(?:\.\d{1,3})?) ?([A-Za-z]+)$/.exec(String(value).trim()) ?? [];
    const size = Math.round(Number(number) * (units[unit] ?? Number.NaN));
    if (size >= lowest && size <= highest) return size;
    const problem = size > highest ? "is too long or too large" : `isn't ${what}`;
    context.addIssue({ code: "custom", message: `${JSON.stringify(value)} ${problem}` });
    return z.NEVER;
  });
}
