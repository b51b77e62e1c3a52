// The names that come from outside, and how they become safe parts of Redis keys and queue names.

/** Providers and task types: lower case, so that they are safe in URLs, file names and keys. */
export const NAME_PATTERN = /^[a-z0-9][a-z0-9_-]{0,63}$/;
/** Batches may also use A–Z. */
export const BATCH_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
/** Tenants are named as their owners please. */
export const TENANT_CHARACTERS = 64;
/** Row numbers lie in [0, ROW_LIMIT): a bitmap of that many rows takes 16 MiB. */
export const ROW_LIMIT = 2 ** 27;

/** `provider/model`; the model part is the vendor's own name and may itself hold slashes. */
export type ModelId = `${string}/${string}`;

export function modelId(provider: string, name: string): ModelId {
  return `${provider}/${name}`;
}

export function splitModelId(id: ModelId): { provider: string; name: string } {
  const slash = id.indexOf("/");
  return { provider: id.slice(0, slash), name: id.slice(slash + 1) };
}

/** Whose account a job is on: any text of that length. Callers in JavaScript may give anything. */
export function isTenant(tenant: unknown): boolean {
  return typeof tenant === "string" && tenant.length >= 1 && tenant.length <= TENANT_CHARACTERS;
}

/** Escapes a vendor's model name for queue names: every byte but `A-Za-z0-9._-` becomes `~` and two hex digits. */
export function escapeModelName(name: string): string {
  return Array.from(Buffer.from(name, "utf8"), (byte) => {
    const char = String.fromCharCode(byte);
    return /[A-Za-z0-9._-]/.test(char) ? char : `~${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}

/** The inverse of {@link escapeModelName}. */
export function unescapeModelName(escaped: string): string {
  const bytes: number[] = [];
  for (let i = 0; i < escaped.length; i++) {
    if (escaped[i] === "~") {
      bytes.push(Number.parseInt(escaped.slice(i + 1, i + 3), 16));
      i += 2;
    } else bytes.push(escaped.charCodeAt(i));
  }
  return Buffer.from(bytes).toString("utf8");
}
