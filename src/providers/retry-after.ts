// The headers with which a vendor asks for patience.

/**
 * Milliseconds to wait: `retry-after-ms`, else `retry-after` (seconds, or an HTTP date; RFC 9110, 10.2.3). Undefined where there is none or
 * it can't be read. However long: the SDKs ignore or sleep through what they find too long, we decide outside.
 */
export function readRetryAfterMs(headers: Headers, now: number): number | undefined {
  const milliseconds = toNumber(headers.get("retry-after-ms"));
  if (milliseconds !== undefined) return Math.ceil(milliseconds);
  const retryAfter = headers.get("retry-after");
  const seconds = toNumber(retryAfter);
  if (seconds !== undefined) return Math.ceil(seconds * 1_000);
  const date = Date.parse(retryAfter ?? "");
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function toNumber(text: string | null): number | undefined {
  const value = text === null || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}
