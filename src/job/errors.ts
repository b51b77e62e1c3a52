// Errors meant for the person at the terminal: what is wrong, where, and what to do.

/** Wrong usage, configuration or input: the command ends with exit code 2 and shows the message and hint without a stack. */
export class UsageError extends Error {
  readonly hint: string | undefined;
  constructor(message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UsageError";
    this.hint = hint;
  }
}

/** The work stopped for a reason outside the user's files (no Redis, another store, patience used up): exit code 1, resumable. */
export class StoppedError extends Error {
  readonly hint: string | undefined;
  constructor(message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StoppedError";
    this.hint = hint;
  }
}
