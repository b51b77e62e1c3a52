// Telling what Redis (or the way to it) does from a fault of ours: the one passes, and is waited for as long as it takes; the other may be there for ever.

/** What ioredis says when a command never came to an answer. */
const CUT_OFF: ReadonlySet<string> = new Set(["MaxRetriesPerRequestError", "AbortError", "InterruptError"]);
const CONNECTION_WORDS = /^(Connection is closed|Command timed out|Stream isn't writeable)/;
/** Replies to a command that is wrong, whatever state the server is in … */
const WRONG_COMMAND = /^(ERR|WRONGTYPE|CROSSSLOT)\b/;
/** … unless the state stands behind the general code: in scripts, where the server is an older one, and where a host has limits of its own. */
const SERVER_STATE = /\b(OOM|READONLY|LOADING|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|MISCONF|BUSY|TRYAGAIN|max number of clients|exceeded)\b/;

/** Whether the error came of Redis being away, or in no state to serve (loading, full, a replica): the same may go well later. */
export function isRedisFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, message } = error;
  if (name === "ReplyError") return !WRONG_COMMAND.test(message) || SERVER_STATE.test(message);
  return CUT_OFF.has(name) || CONNECTION_WORDS.test(message) || ("syscall" in error && "code" in error) || isOfEveryAddress(error);
}

/** Where a name has several addresses, Node has an error for each. */
function isOfEveryAddress(error: Error): boolean {
  return error instanceof AggregateError && error.errors.length > 0 && error.errors.every(isRedisFailure);
}
