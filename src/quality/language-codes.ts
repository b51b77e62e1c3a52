// The languages that can be told apart, by their ISO 639-1 codes. Kept apart from the detector, which takes a second to load.

/** Codes that the detector knows by another: Norwegian's two forms, and Indonesian, which short texts don't tell from Malay. */
const ALIASES: Readonly<Record<string, string>> = { nb: "no", nn: "no", id: "ms" };

const KNOWN: ReadonlySet<string> = new Set(
  (
    "am ar az be bg bn ca cs da de el en es et eu fa fi fr gu he hi hr hu hy is it ja ka kn ko ku lo lt lv ml mr ms nl no or pa pl pt ro ru sk sl sq " +
    "sr sv ta te th tl tr uk ur vi yo zh"
  ).split(" "),
);

/** The code that the detector uses for a language; undefined where it doesn't know it. */
export function languageCode(code: string): string | undefined {
  const lower = code.toLowerCase();
  const known = ALIASES[lower] ?? lower;
  return KNOWN.has(known) ? known : undefined;
}
