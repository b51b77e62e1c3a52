// Numbers for people: counts, dollars, durations, shares. Used by the reports and by the command line.

/** `1234567` → `1,234,567`. */
export function formatCount(count: number): string {
  return COUNT.format(count);
}

/** Nano-dollars with as many digits as matter: `$1,234.57`, `$0.1235`, `$0.00042`, `$0.00`. */
export function formatUsd(nanoUsd: number): string {
  const usd = Math.abs(nanoUsd) / 1e9;
  const sign = nanoUsd < 0 ? "-" : "";
  if (usd === 0 || usd >= 1) return `${sign}$${DOLLARS.format(usd)}`;
  if (usd >= 0.01) return `${sign}$${usd.toFixed(4)}`;
  const firstDigit = Math.floor(Math.log10(usd));
  return `${sign}$${usd.toFixed(Math.min(9, 1 - firstDigit))}`;
}

/** Milliseconds as `350 ms`, `12.3 s`, `4 min 05 s`, `2 h 03 min`, `3 d 04 h`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${twoDigits(seconds % 60)} s`;
  const minutes = Math.round(ms / 60_000);
  if (minutes < 2 * 24 * 60) return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
  const hours = Math.round(ms / 3_600_000);
  return `${Math.floor(hours / 24)} d ${twoDigits(hours % 24)} h`;
}

/** A share as a percentage: `96.7 %`; `–` of nothing. All but the whole is never shown as 100 %, more than nothing never as 0 %. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0) return "–";
  const percent = (100 * part) / whole;
  if (part < whole && percent > 99.9) return "99.9 %";
  if (part > 0 && percent < 0.1) return "0.1 %";
  return `${percent.toFixed(1)} %`;
}

/** Things a second: `12.5/s`, `1,250/s`. */
export function formatRate(perSecond: number): string {
  return perSecond >= 100 ? `${formatCount(Math.round(perSecond))}/s` : `${perSecond.toFixed(1)}/s`;
}

const COUNT = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const DOLLARS = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
