import { describe, expect, it } from "vitest";
import { checkWith, says, saysJson, whyFailed } from "./checking.ts";

const REFUSED: readonly string[] = [
  "I'm sorry, but I can't help with that.",
  "I’m sorry, but I can’t assist with that request.",
  "Sorry, I cannot assist with creating malware.",
  "I cannot help you with that. If you are in danger, please call the police.",
  "I can't comply with that request.",
  "I cannot fulfill your request.",
  "I cannot provide instructions for making explosives.",
  "I can't provide information on how to pick locks.",
  "I'm not able to help with that.",
  "I am unable to assist with this request.",
  "I won't help with that.",
  "I'm not comfortable writing explicit content about real people.",
  "I must decline to answer that question.",
  "I apologize, but I cannot generate harmful content.",
  "As an AI language model, I cannot provide personal opinions.",
  "As an AI, I don't have personal experiences, so I can't say.",
  "I'm just an AI assistant and I can't do that.",
  "This request violates my content policy.",
  "Unfortunately, I cannot engage in this kind of role play.",
  "I'm sorry, but I can’t provide that.",
  "I can't write that.",
  "I don't feel comfortable helping with that.",
  "I'd rather not help with that.",
  "I cannot in good conscience help with this.",
  "I can't engage in discussions about that.",
  "I'm really sorry that you're feeling this way, but I'm unable to provide the help that you need.",
  "Tut mir leid, dabei kann ich nicht helfen.",
  "Je suis désolé, je ne peux pas vous aider.",
  "Es tut mir leid, aber dabei kann ich nicht helfen.",
  "Es tut mir leid, aber ich kann dir dabei nicht helfen.",
  "Leider kann ich Ihnen bei dieser Anfrage nicht weiterhelfen.",
  "Je suis désolé, mais je ne peux pas vous aider avec cela.",
  "Désolé, je ne peux pas répondre à cette demande.",
  "Lo siento, pero no puedo ayudarte con eso.",
  "Desculpe, mas não posso ajudar com isso.",
  "Mi dispiace, ma non posso aiutarti con questa richiesta.",
  "Het spijt me, maar ik kan je daar niet mee helpen.",
  "Przykro mi, ale nie mogę ci w tym pomóc.",
  "Извините, но я не могу помочь с этим запросом.",
  "К сожалению, я не могу выполнить этот запрос.",
  "Üzgünüm, bu konuda yardımcı olamam.",
  "抱歉，我无法提供此类信息。",
  "对不起，我不能帮助您完成这个请求。",
  "作为一个人工智能，我无法回答这个问题。",
  "申し訳ございませんが、そのご要望にはお応えできません。",
  "죄송합니다만, 그 요청은 도와드릴 수 없습니다.",
  "عذراً، لا أستطيع مساعدتك في هذا.",
  "मुझे खेद है, लेकिन मैं इसमें आपकी मदद नहीं कर सकता।",
  "Maaf, saya tidak dapat membantu dengan permintaan itu.",
];

const ANSWERED: readonly string[] = [
  "I cannot find any error in this code: the loop ends when the list is empty.",
  "I cannot recommend this hotel enough!",
  "I can't believe how good this is. Five stars.",
  "I'm sorry for the delay of your order. It was sent this morning.",
  "I'm sorry, but I cannot refund an order after 30 days. You may exchange it, though.",
  "Unfortunately, we cannot cancel an order that has been sent.",
  "Sorry to hear that! Please restart the router.",
  "We can't help with invoices by phone; please use the form.",
  "I am unable to log in. (The customer's words, translated.)",
  'The customer writes: "I cannot help with that".',
  "The assistant said that it can't help with that request, which was right.",
  "You can't assign to a constant. Declare it with let.",
  "As an AI engineer, I have worked with transformers for five years.",
  "I can't determine the total from the invoice alone: the third line is illegible. The others come to 42.",
  "I can't do the third part without the attachment, but the first two are below.",
  "I cannot write to this file because it is read-only. Change its mode.",
  "I cannot support this pull request: it breaks the API.",
  "I can't provide an exact figure, but it is about 40.",
  "I can't help but notice that the loop never ends.",
  "I'm not able to reproduce the bug.",
  "I'd rather not choose: both are equally good.",
  "I can't answer this call right now, please leave a message.",
  "I cannot share the screen: the button is grey. How do I fix it?",
  "I'm sorry that you had to wait, but your refund has been sent.",
  "refusal",
  "I will help with that: first, open the settings.",
  "Leider kann ich die Bestellung nicht mehr ändern, sie ist schon unterwegs.",
  "Dabei kann ich nicht genug betonen, wie wichtig Tests sind.",
  "Je ne peux pas vous rembourser après 30 jours, mais un échange est possible.",
  "Lo siento por el retraso. Su pedido llegará mañana.",
  "No puedo recomendar este hotel lo suficiente.",
  "Não posso esperar para voltar a este restaurante.",
  "К сожалению, я не могу вернуть деньги после 30 дней.",
  "抱歉让您久等了，您的订单已发货。",
  "我无法登录，请帮忙。",
  "申し訳ございません。発送が遅れております。",
  "죄송합니다. 배송이 늦어지고 있습니다.",
  `${"The report is as follows. ".repeat(20)}I'm sorry, but I can't help with that.`,
  "",
];

describe("the refusal check", () => {
  it.each(REFUSED)("fails %j", async (text) => {
    expect(await whyFailed({ kind: "refusal" }, says(text))).toContain("the model refused: ");
  });

  it.each(ANSWERED)("passes %j", async (text) => {
    expect(await whyFailed({ kind: "refusal" }, says(text))).toBeUndefined();
  });

  it("looks into the texts of a JSON answer", async () => {
    const output = { type: "object", properties: { reply: { type: "string" } } } as const;
    const check = (reply: string) => checkWith([{ kind: "refusal" }], saysJson({ label: "other", reply }), { output });
    expect(await check("Your refund is on its way.")).toMatchObject({ kind: "passed" });
    expect(await check("I'm sorry, but I can't help with that.")).toEqual({
      kind: "failed",
      reason: `the model refused: "I'm sorry, but I can't help with that."`,
      onFail: "escalate",
    });
  });

  it("goes by the finish reason, whatever the text", async () => {
    expect(await whyFailed({ kind: "refusal" }, says("Well,", "refusal"))).toBe("the model refused (finish reason refusal)");
  });

  it("gets through a megabyte of apologies", async () => {
    for (const text of ["I'm sorry, ".repeat(100_000), "sorry ".repeat(200_000), " ".repeat(1_000_000), "as an ai ".repeat(100_000)]) {
      expect(await whyFailed({ kind: "refusal" }, says(text))).toBeUndefined();
    }
  });
});
