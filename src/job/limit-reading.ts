// What a vendor's headers say of one of its limits.

/** `remaining` of `limit`; full again in `resetMs` milliseconds. */
export interface LimitReading {
  readonly dimension: "rpm" | "tpm" | "itpm" | "otpm";
  /** Per minute. */
  readonly limit?: number;
  readonly remaining: number;
  readonly resetMs?: number;
  /** `resetMs` is exact to some milliseconds; else it is rounded up to whole seconds. */
  readonly isResetExact?: true;
}
