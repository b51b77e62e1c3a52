import { describe, expect, it } from "vitest";
import { eld } from "eld/small";
import { languageCode } from "../../src/quality/language-codes.ts";
import { checkWith, says, saysJson, whyFailed } from "./checking.ts";

/** A support answer of one or two sentences in each. */
const SENTENCES: Readonly<Record<string, readonly string[]>> = {
  en: ["Your order was shipped yesterday and should arrive by Friday.", "Thanks, your refund is on its way to you."],
  de: ["Ihre Bestellung wurde gestern verschickt und kommt am Freitag an.", "Danke, die Rückerstattung ist unterwegs."],
  fr: ["Votre commande a été expédiée hier et arrivera vendredi.", "Merci, le remboursement est en cours."],
  es: ["Su pedido fue enviado ayer y llegará el viernes.", "Muchas gracias por su paciencia con nosotros."],
  pt: ["O seu pedido foi enviado ontem e chega na sexta-feira.", "Obrigado pela sua paciência conosco."],
  it: ["Il tuo ordine è stato spedito ieri e arriverà venerdì.", "Grazie mille per la vostra pazienza."],
  nl: ["Uw bestelling is gisteren verzonden en komt vrijdag aan.", "Bedankt voor uw geduld en begrip."],
  pl: ["Twoje zamówienie zostało wysłane wczoraj i dotrze w piątek."],
  sv: ["Din beställning skickades i går och kommer på fredag."],
  nb: ["Bestillingen din ble sendt i går kveld og kommer på fredag."],
  fi: ["Tilauksesi lähetettiin eilen ja saapuu perjantaina."],
  cs: ["Vaše objednávka byla odeslána včera a dorazí v pátek."],
  tr: ["Siparişiniz dün gönderildi ve cuma günü ulaşacak."],
  ru: ["Ваш заказ был отправлен вчера и прибудет в пятницу."],
  uk: ["Ваше замовлення було відправлено вчора і прибуде в п'ятницю."],
  zh: ["您的订单昨天已发货，预计周五到达。"],
  ja: ["ご注文の商品は昨日発送されました。金曜日に届く予定です。"],
  ko: ["주문하신 상품이 어제 발송되어 금요일에 도착합니다."],
  ar: ["تم شحن طلبك أمس وسيصل يوم الجمعة."],
  he: ["ההזמנה שלך נשלחה אתמול ותגיע ביום שישי."],
  hi: ["आपका ऑर्डर कल भेज दिया गया था और शुक्रवार को पहुँचेगा।"],
  id: ["Pesanan Anda telah dikirim kemarin dan akan tiba hari Jumat."],
  el: ["Η παραγγελία σας στάλθηκε χθες και θα φτάσει την Παρασκευή."],
};
const CASES = Object.entries(SENTENCES).flatMap(([language, texts]) => texts.map((text) => [language, text] as const));

describe("the language check", () => {
  it.each(CASES)("knows %s: %s", async (language, text) => {
    expect(await whyFailed({ kind: "language", languages: [language] }, says(text))).toBeUndefined();
    const other = language === "de" ? "fr" : "de";
    expect(await whyFailed({ kind: "language", languages: [other] }, says(text))).toContain(`must be in ${other}`);
  });

  it("says which language it found, which it wants, and where", async () => {
    const check = { kind: "language", field: "reply", languages: ["fr", "de"] } as const;
    expect(await whyFailed(check, saysJson({ reply: "Your order was shipped yesterday." }))).toBe(
      'reply: is in en, must be in fr or de: "Your order was shipped yesterday."',
    );
  });

  it.each([
    "OK",
    "billing",
    "42",
    "iPhone 15 Pro Max 256GB",
    "GPT-4o, Claude 3.5 Sonnet",
    "John Smith",
    "https://example.com/a",
    "",
    "订单",
    "```js\nconst answer = await fetch(address); return answer.json();\n```",
  ])("passes what has no language to speak of: %j", async (text) => {
    expect(await whyFailed({ kind: "language", languages: ["fi"] }, says(text))).toBeUndefined();
  });

  it.each([
    ["da", "Bestillingen din ble sendt i går kveld."],
    ["ms", "Pesanan Anda telah dikirim kemarin."],
  ])("gives a close relative of %s the benefit of the doubt: %s", async (language, text) => {
    expect(await whyFailed({ kind: "language", languages: [language] }, says(text))).toBeUndefined();
  });

  it("passes an answer with a borrowed word, and one whose code is in another language", async () => {
    const german = { kind: "language", languages: ["de"] } as const;
    expect(await whyFailed(german, says("Das Feature wird im nächsten Release über den Store ausgerollt."))).toBeUndefined();
    const fenced =
      "Diese Funktion liest die Datei:\n```\n// Reads the whole file and returns every line of it.\nread(file)\n```\nSie gibt die Zeilen zurück.";
    expect(await whyFailed(german, says(fenced))).toBeUndefined();
  });

  it("waits for its detector once; after that the answer is checked at once", async () => {
    const run = () => checkWith([{ kind: "language", languages: ["en"] }], says("Your order was shipped yesterday."));
    await run();
    expect(run()).toMatchObject({ kind: "passed" });
  });

  it("knows the codes that its detector knows, and no others", () => {
    for (const code of Object.values(eld.info().Languages)) expect(languageCode(code)).toBe(code);
    expect([languageCode("EN"), languageCode("nb"), languageCode("english"), languageCode("xx"), languageCode("")]).toEqual([
      "en",
      "no",
      undefined,
      undefined,
      undefined,
    ]);
  });
});
