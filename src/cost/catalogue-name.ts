// Whether an entry of the price catalogue means a model. Stricter than the catalogue's own patterns, of which many are beginnings of names:
// by those, `claude-sonnet-5-5` would cost what `claude-sonnet-5` does. Beyond a pattern's text a name may have a date or a vendor's prefix only.

/** As the catalogue writes them. */
export type NamePattern =
  | { readonly or: readonly NamePattern[] }
  | { readonly and: readonly NamePattern[] }
  | { readonly equals: string }
  | { readonly starts_with: string }
  | { readonly ends_with: string }
  | { readonly contains: string }
  | { readonly regex: string };

/** `-20250514`, `-2025-04-14`, `-0613`, `-001`, `-05-20`, `-09-2025`, `@20250514`, `-latest`, `-preview`, `-exp`, `-v1`, several of them, and `:0`. */
const DATING =
  /(?:[-@](?:latest|preview|exp|experimental|\d{4}-\d{2}-\d{2}|\d{2}-\d{2}-\d{4}|\d{2}-\d{4}|\d{2}-\d{2}|\d{3,4}|\d{6}|\d{8}|v\d+))*(?::\d+)?$/;
/** `us.anthropic.`, `publishers/google/models/`. */
const PREFIX = /^(?:[a-z0-9_-]+[./])*$/;
/** What a fine-tuned model of OpenAI's has behind its base's name: `ft:gpt-4o-mini-2024-07-18:organization::id`. */
const FINE_TUNED = /^(ft:[^:]+):.*$/;

/** Case doesn't matter. */
export function isMeantBy(pattern: NamePattern, model: string): boolean {
  const name = model.toLowerCase().replace(FINE_TUNED, "$1");
  return matches(pattern, name) && means(pattern, name);
}

/** The catalogue's own rule. */
function matches(pattern: NamePattern, name: string): boolean {
  if ("or" in pattern) return pattern.or.some((each) => matches(each, name));
  if ("and" in pattern) return pattern.and.every((each) => matches(each, name));
  if ("equals" in pattern) return name === pattern.equals.toLowerCase();
  if ("starts_with" in pattern) return name.startsWith(pattern.starts_with.toLowerCase());
  if ("ends_with" in pattern) return name.endsWith(pattern.ends_with.toLowerCase());
  if ("contains" in pattern) return name.includes(pattern.contains.toLowerCase());
  return new RegExp(pattern.regex).test(name);
}

/** For a name that the pattern matches: is it the name, and not only like it? */
function means(pattern: NamePattern, name: string): boolean {
  if ("or" in pattern) return pattern.or.some((each) => matches(each, name) && means(each, name));
  if ("and" in pattern) return pattern.and.some((each) => means(each, name));
  if ("equals" in pattern) return true;
  // An expression that says only what a name may not hold means all others.
  if ("regex" in pattern) return !pattern.regex.includes("(?!");
  const text = (
    "starts_with" in pattern ? pattern.starts_with : "ends_with" in pattern ? pattern.ends_with : pattern.contains
  ).toLowerCase();
  const start = "starts_with" in pattern ? 0 : name.lastIndexOf(text);
  // The date may begin within the pattern's text: `claude-sonnet-4-2025`.
  return PREFIX.test(name.slice(0, start)) && text.startsWith(name.slice(start).replace(DATING, ""));
}
