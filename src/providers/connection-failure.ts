// A call that got no HTTP answer: what went wrong on the way, and whether the vendor may have seen the request.

/** The request was never sent: nothing listened, the name or the certificate was wrong. */
const NEVER_SENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EAI_FAIL|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EMFILE|ENFILE|CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT|UNABLE_TO_)/;

/** Nothing answers at the vendor's address: no model of it can be reached. (What this machine has too few of is no fault of the vendor.) */
const NOBODY_THERE = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EAI_FAIL|EHOSTUNREACH|ENETUNREACH)$/;

export interface ConnectionFailure {
  readonly reason: string;
  readonly billable: boolean;
  /** The whole provider can't be reached. */
  readonly isWide: boolean;
}

/** Reads the error's chain of causes for Node's code: the SDKs' own message says no more than "Connection error". */
export function readConnectionFailure(error: unknown): ConnectionFailure {
  const chain = causesOf(error);
  const withCode = chain.find((cause) => typeof (cause as { code?: unknown }).code === "string") as
    | (Error & { code: string; syscall?: string })
    | undefined;
  const root = withCode ?? chain.at(-1);
  const code = withCode?.code ?? "";
  const message = root?.message || String(error);
  return {
    reason: message.includes(code) ? `no answer: ${message}` : `no answer: ${code} ${message}`,
    isWide: NOBODY_THERE.test(code),
    billable: !(NEVER_SENT.test(code) || withCode?.syscall === "connect"),
  };
}

function causesOf(error: unknown): readonly Error[] {
  const chain: Error[] = [];
  for (let cause = error; cause instanceof Error && chain.length < 8; cause = cause.cause) chain.push(cause);
  return chain;
}
