// The address of a PostgreSQL: what is wrong with it, and how it may be shown. Neither ever repeats a password.

const SCHEME = /^postgres(ql)?:\/\//;

/** What is wrong with an address, and what to do; undefined: nothing that can be seen without connecting. */
export function problemOfPostgresUrl(url: string): string | undefined {
  if (!SCHEME.test(url)) return "must be an address such as postgres://user:${PASSWORD}@host:5432/database";
  const parsed = parse(url);
  // What is left of a password that was taken for a port, a path or a query.
  if (!parsed || parsed.hash !== "" || parsed.pathname.includes("@") || parsed.search.includes("@")) {
    return "is not an address: characters of its password such as / # ? @ must be percent-encoded (%2F %23 %3F %40)";
  }
  return undefined;
}

/** The address as it may be printed: no password, and none of the options behind the `?`. */
export function maskPostgresUrl(url: string): string {
  const parsed = problemOfPostgresUrl(url) === undefined ? parse(url) : undefined;
  if (!parsed) return "postgres://…";
  const user = parsed.username === "" ? "" : `${parsed.username}${parsed.password === "" ? "" : ":***"}@`;
  return `${parsed.protocol}//${user}${parsed.host}${parsed.pathname}`;
}

function parse(url: string): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}
