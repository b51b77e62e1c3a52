// Routes and their figures in words for people.

import type { Step } from "../job/task.ts";
import type { Difference } from "./pilot.ts";

/** `a and b agree, else c`; `2 of a, b and c agree, else d`; `a, where its answer passes the checks, else b`. */
export function describeRoute(steps: readonly Step[], name: (model: string) => string = shortName): string {
  return steps
    .map(({ models, agree }, index) => {
      const names = models.map(name);
      if (models.length > 1) {
        const need = agree?.need ?? models.length;
        return `${need < models.length ? `${need} of ` : ""}${names.slice(0, -1).join(", ")} and ${names.at(-1)} agree`;
      }
      return index < steps.length - 1 ? `${names[0]}, where its answer passes the checks` : names[0];
    })
    .join(", else ");
}

/** Without the provider, which most names make plain, and without the date of the version. */
export function shortName(model: string): string {
  return model.slice(model.indexOf("/") + 1).replace(/-(\d{8}|\d{4}-\d{2}-\d{2})$/, "");
}

/** `96.5 %`. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** `+0.5`, `−1.2`, `0.0`: a difference of shares in points. */
export function points(difference: number): string {
  const text = Math.abs(100 * difference).toFixed(1);
  if (text === "0.0") return text;
  return difference < 0 ? `−${text}` : `+${text}`;
}

/** `+0.5 (−1.2 to +2.1)`; `–` for the best model itself. */
export function differenceInPoints({ mean, interval: { low, high } }: Difference): string {
  return mean === 0 && low === 0 && high === 0 ? "–" : `${points(mean)} (${points(low)} to ${points(high)})`;
}

/** Per 1,000 jobs, with three digits: `$0.235`, `$12.3`, `$1230`. */
export function usdPerThousand(nanoUsdPerJob: number): string {
  const usd = nanoUsdPerJob / 1e6;
  if (usd === 0) return "$0";
  const digits = Math.min(9, Math.max(0, 2 - Math.floor(Math.log10(usd))));
  return `$${usd.toFixed(digits)}`;
}

/** {@link usdPerThousand} of a round sum, without its zeros: `$0.2`, `$10`. */
export function roundUsd(nanoUsdPerJob: number): string {
  return usdPerThousand(nanoUsdPerJob)
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "");
}
