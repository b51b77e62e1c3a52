// What a vendor says, made fit for logs and results: without keys, on one line, of bounded length.

const LONGEST_REASON = 500;
/** OpenAI repeats a wrong key partly masked (`sk-ab***yz`): not even that. */
const KEY_LIKE = /\bsk-[\w*.-]{6,}/g;

export type Scrub = (text: string) => string;

export function createScrub(apiKey: string): Scrub {
  const secret = apiKey.trim();
  return (text) => {
    const clean = (secret.length >= 4 ? text.replaceAll(secret, "[key]") : text).replace(KEY_LIKE, "[key]").replace(/\s+/g, " ").trim();
    return clean.length > LONGEST_REASON ? `${clean.slice(0, LONGEST_REASON - 1)}…` : clean;
  };
}
