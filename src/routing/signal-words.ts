// Words that say something of a text: of its language, and of the work it asks for. In the five languages that most rows are in; in others only the signs
// (numbers, operators, code) are seen.

/** Bits of a word's meaning. */
export const MATHEMATICS = 1;
export const STEPS = 2;
export const CONSTRAINT = 4;
export const CODE = 8;

export interface WordMeaning {
  /** A sum of the bits above. */
  readonly kinds: number;
  /** Languages (ISO 639-1) in which it is one of the commonest words. */
  readonly languages: readonly string[];
}

const KINDS: readonly (readonly [number, string])[] = [
  // Quantities asked for, and what is done with them.
  [
    MATHEMATICS,
    `many total altogether sum difference product average percent percentage ratio twice half thirds quarter remaining equation calculate compute
    probability integral derivative matrix theorem prove proof polynomial prime divisible square cube root angle triangle radius perimeter area volume
    speed rate interest profit discount solve equals multiply divide divided
    wieviel wieviele insgesamt summe prozent berechne durchschnitt combien pourcentage calculer moyenne cuántos cuántas calcula porcentaje promedio quanti quante calcola`,
  ],
  [
    STEPS,
    `first then next after before finally step steps because therefore explain why compare contrast analyse analyze evaluate derive justify plan design
    summarize summarise strategy reason reasoning implications consequences recommend assess tradeoffs
    zuerst dann danach schließlich warum erkläre vergleiche begründe d'abord ensuite enfin pourquoi expliquez comparez primero luego después finalmente explica compara
    prima poi infine perché spiega confronta`,
  ],
  [
    CONSTRAINT,
    `must never always exactly only without unless except least most maximum minimum required require requires should avoid ensure include exclude format
    limit within between neither nor either however although
    muss müssen darf nur ohne außer mindestens höchstens genau immer nie doit doivent sans sauf uniquement toujours jamais exactement debe deben solo sin salvo siempre nunca
    deve devono senza tranne sempre mai`,
  ],
  [
    CODE,
    `def const let var return import function async await class struct enum lambda elif null none true false undefined int str bool void static public private
    select insert update join where exception traceback stderr stdout nullpointerexception typeerror valueerror segfault regex api json yaml sql`,
  ],
];

const LANGUAGES: Readonly<Record<string, string>> = {
  en: "the and is are was of to in it that this for with you my have has not on i a be can what do your from at but will would been there which",
  de: "der die das und ist sind nicht ich sie es ein eine mit für auf zu von den dem wie wir haben hat im wird auch noch aber mein meine bei nach was",
  fr: "le la les et est sont pas je vous il elle une un des du de que qui dans pour avec sur ce cette mon ma mes nous ne au aux mais été quel",
  es: "el la los las y es son no yo usted que de en un una por para con mi se lo su del al como pero más ha está cuando qué este esta",
  it: "il lo la i gli le e è sono non che di in un una per con mi si ho ha del della al come ma più questo questa mio mia quando anche",
  pt: "o a os as e é são não que de em um uma por para com meu minha se do da no na ao como mas mais foi está quando você isso",
  nl: "de het een en is zijn niet ik u dat van in op te met voor mijn aan er maar ook naar bij wat heb heeft wordt deze dit kan",
};

/** By word, in lower case. */
export const WORDS: ReadonlyMap<string, WordMeaning> = meanings();

function meanings(): ReadonlyMap<string, WordMeaning> {
  const found = new Map<string, { kinds: number; languages: string[] }>();
  const meaningOf = (word: string) => {
    const known = found.get(word) ?? { kinds: 0, languages: [] };
    found.set(word, known);
    return known;
  };
  for (const [kind, words] of KINDS) for (const word of words.split(/\s+/)) meaningOf(word).kinds |= kind;
  for (const [language, words] of Object.entries(LANGUAGES)) for (const word of words.split(" ")) meaningOf(word).languages.push(language);
  return found;
}
