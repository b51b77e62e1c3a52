// How models say no, in the large languages.
//
// Each phrase names both the refusal and what is refused, as only a refusal does ("I can't help with that", "my guidelines"). "I cannot" alone is said in
// honest answers too: "I cannot find an error in this code", "we cannot refund orders after 30 days".

/** What may come before: an apology, a "but", an "As an AI". */
const OPENINGS =
  /^(?:(?:i['’]?m|i am|we['’]?re) (?:really |very |so |truly )?sorry(?: (?:that|to hear|for|about) [^.,!]{0,60}(?=,))?|sorry|my apologies|i apologi[sz]e|unfortunately|thank you for [^.,]{0,60}|hello|hi|(?:es )?tut mir (?:sehr )?leid|entschuldigung|leider|je suis (?:vraiment )?désolée?|désolée?|lo siento(?: mucho)?|lo lamento|desculpe|sinto muito|lamento|mi dispiace|spiacente|het spijt me|sorry|przykro mi|przepraszam|извините|простите|к сожалению|üzgünüm|maaf)[\s,.!:;—-]*(?:(?:but|however|aber|jedoch|mais|pero|mas|ma|maar|ale|но|ama|tapi)[\s,]+)?/iu;

const AI = String.raw`(?:an? |one )?(?:ai|artificial intelligence|(?:large )?language model|(?:virtual |ai )?assistant)[a-z -]{0,40}`;
const CANT = String.raw`(?:can['’]?t|cannot|can not|(?:would|['’]d) (?:prefer|rather) not(?: to)?|do(?: not|n['’]?t) feel comfortable|(?:am|['’]m) (?:not able|unable|not (?:comfortable|permitted|allowed)|not going) (?:to )?|won['’]?t|will not|must (?:decline|refuse) to|(?:have to|need to) decline to|decline to|could not|couldn['’]?t)(?: in good conscience)?`;
const THIS = String.raw`(?:that|this|these|those|such|your request|any (?:part|kind|sort|type)|(?:this|that|the|your) (?:request|task|question|topic|content|kind|type|sort))`;
/** Behind verbs that are said of other things too: "I can't answer this call". */
const THIS_REQUEST = String.raw`(?:(?:that|this|it)(?=[.!,]|$)|(?:that|this|these|those|such|the|your|any) (?:requests?|questions?|tasks?|topics?|content|kind|type|sort|quer(?:y|ies)|instructions?)\b|that\b)`;
const HARM = String.raw`(?:explicit|graphic|sexual|harmful|illegal|hateful|offensive|violent|dangerous|discriminatory|defamatory|malicious|copyrighted)`;

export const REFUSALS: readonly RegExp[] = [
  new RegExp(
    String.raw`^(?:as ${AI},? )?i(?: simply)? ?${CANT} ?(?:be able to )?(?:help|assist)(?:ing)?(?: you)?(?: with (?:${THIS}|creating|writing|making|generating|anything)|[.!,]|$)`,
    "iu",
  ),
  new RegExp(
    String.raw`^(?:as ${AI},? )?i(?: simply)? ?${CANT} ?(?:compl(?:y|ying) with|fulfill?(?:ing)?|engag(?:e|ing) (?:in|with)(?: (?:any )?(?:discussions?|conversations?|content|topics?) (?:about|on|of|that))?|participat(?:e|ing) in|continu(?:e|ing) with|accommodat(?:e|ing)|process(?:ing)?|discuss(?:ing)?|answer(?:ing)?|respond(?:ing)? to|do(?:ing)?) ${THIS_REQUEST}`,
    "iu",
  ),
  new RegExp(
    String.raw`^(?:as ${AI},? )?i(?: simply)? ?${CANT} ?(?:provid|creat|generat|writ|produc|shar|offer|giv|mak)(?:e|ing)? (?:you )?(?:with )?(?:(?:any |an? )?(?:${HARM})|(?:that|this)(?: for you)?(?:[.!,]|$)|(?:any )?(?:medical|legal|financial|professional|investment) advice|(?:that|this|such) (?:kind |type |sort )?(?:of )?(?:content|information|material|text|code|advice|request|help|assistance)|(?:instructions|information|guidance|advice|assistance|help|support|content) (?:on|about|for|that|regarding|with|which)|(?:any |the )?(?:assistance|help)\b)`,
    "iu",
  ),
  new RegExp(
    String.raw`^as ${AI},? i (?:do not|don['’]?t|${CANT}) ?(?:have (?:the ability|personal|access|feelings|opinions)|provide|express|engage|form|offer|give|access|browse)\b`,
    "iu",
  ),
  new RegExp(String.raw`^(?:i(?:['’]m| am) (?:just |only )?${AI}\b[^.]{0,20}(?:and|,|so) i ${CANT})`, "iu"),
  new RegExp(
    String.raw`^(?:this|that|your) (?:request|content|question)[^.]{0,40}(?:violates|goes against|is against) (?:my|our|the) (?:content |usage |safety )?(?:guidelines|polic(?:y|ies))`,
    "iu",
  ),
  // German, French, Spanish, Portuguese, Italian, Dutch, Polish, Russian, Turkish
  /^(?:dabei|damit|bei dieser (?:anfrage|bitte)|diese (?:anfrage|bitte)) kann ich (?:ihnen |dir )?(?:leider )?nicht (?:helfen|weiterhelfen|behilflich sein|erfüllen|beantworten)/iu,
  /^(?:ich |kann ich )?(?:kann )?(?:ihnen |dir )?(?:leider )?(?:dabei|damit|bei dieser anfrage|diese anfrage|dieser anfrage|dieser bitte) (?:leider )?nicht (?:helfen|weiterhelfen|behilflich sein|erfüllen|nachkommen|beantworten)/iu,
  /^je ne (?:peux|puis|suis) (?:malheureusement )?(?:pas )?(?:en mesure de |(?:pas )?capable de )?(?:vous |t['’])?(?:aider(?: (?:avec|à|dans|sur) (?:cela|ça|cette|ce )|[.!])|répondre à cette (?:demande|requête)|accéder à cette demande|satisfaire (?:à )?cette (?:demande|requête))/iu,
  /^no (?:puedo|me es posible) (?:ayudarte|ayudarle|ayudar|asistirte|asistir) (?:con|en) (?:eso|esto|esa|ese|esta|este)|^no puedo (?:cumplir|responder|procesar)(?: con| a)? (?:esa|esta|tu|su) (?:solicitud|petición)/iu,
  /^(?:eu )?não (?:posso|consigo) (?:te |lhe )?(?:ajudar|ajudá-l[oa]|auxiliar) (?:com|nisso|nessa|neste|nesse|nesta)|^(?:eu )?não posso (?:atender|responder|cumprir)(?: a| com)? (?:esse|essa|este|esta) (?:pedido|solicitação)/iu,
  /^(?:io )?non posso (?:aiutarti|aiutarla|aiutare|assisterti) (?:con|in) (?:questo|questa|quello|ciò)|^non posso (?:soddisfare|rispondere a|elaborare) questa richiesta/iu,
  /^(?:ik kan )(?:je |u )?(?:daar|hier|met (?:dit|dat|deze)|daarmee|hiermee)[^.]{0,30}niet (?:mee |bij )?(?:helpen|assisteren|voldoen)|^ik kan niet (?:voldoen aan|helpen met) (?:dit|dat|deze|je|uw)/iu,
  /^nie mogę (?:ci |panu |pani )?(?:w tym )?(?:pomóc (?:w tym|z tym|w tej)|spełnić tej prośby|pomóc\.)|^nie mogę (?:ci )?w tym pomóc/iu,
  /^я не (?:могу|в состоянии) (?:вам |тебе )?(?:с этим |в этом )?(?:помочь|выполнить этот запрос|ответить на этот)(?: с этим| в этом|\.|$)|^(?:но )?я не могу (?:выполнить|ответить на) (?:этот|ваш) (?:запрос|вопрос)/iu,
  /^(?:bu (?:konuda|istekte|talepte)|buna) (?:size |sana )?(?:yardımcı olamam|yardım edemem|yanıt veremem)/iu,
  // Chinese, Japanese, Korean, Arabic, Hindi, Indonesian
  /^(?:很?抱歉|对不起|對不起|不好意思)?[，,。！!\s]*(?:但是?)?(?:作为(?:一个|一名)?(?:人工智能|AI)[^，,]{0,12}[，,])?我(?:无法|不能|無法|没有办法)(?:为您|为你|向您|向你)?(?:提供(?:这|此|该|相关的?)|协助(?:您|你|处理)?(?:这|此|完成)|帮助(?:您|你)?(?:完成|处理|解决)?(?:这|此|该)|满足(?:您|你|这|此|该)|回答(?:这|此|该|您的|你的)|完成(?:这|此|该)|处理(?:这|此|该))/u,
  /^(?:申し訳(?:ございません|ありません)(?:が)?|すみませんが?|恐れ入りますが)[、。,\s]*(?:その|この|ご)?[^。]{0,20}?(?:ご要望|ご依頼|リクエスト|お手伝い|お答え|ご質問)(?:に|は|には|を)?[^。]{0,6}(?:お応え|応じる|対応|お答え|できません|することはできません|いたしかねます)/u,
  /^(?:죄송(?:합니다|하지만|해요)|미안하지만)[.,!\s]*(?:만|하지만)?[,\s]*(?:그|이|해당|요청하신)[^.]{0,20}(?:도와드릴 수 없|도움을 드릴 수 없|제공할 수 없|답변할 수 없|응할 수 없|처리할 수 없)/u,
  /^(?:عذر[اًا]*|آسف|أعتذر|المعذرة)?[،,\s]*(?:ولكن|لكن|لكنني)?\s*(?:لا (?:أستطيع|يمكنني)|لا أقدر) (?:مساعدتك في (?:هذا|ذلك|هذه)|تقديم (?:هذا|هذه)|المساعدة في (?:هذا|ذلك|هذه)|تلبية (?:هذا|طلبك))/u,
  /^(?:मुझे (?:खेद|माफ)[^,।]{0,20}[,।]?\s*)?(?:लेकिन )?मैं (?:इसमें |इस (?:अनुरोध|विषय|कार्य) (?:में|को) )(?:आपकी )?(?:मदद|सहायता|पूरा)[^।]{0,10}नहीं/u,
  /^saya tidak (?:dapat|bisa) (?:membantu(?: anda)? (?:dengan|dalam) (?:hal )?(?:itu|ini|permintaan)|memenuhi permintaan|memberikan (?:informasi|konten) (?:itu|tersebut|semacam))/iu,
];

/** The text without what may come before a refusal, once for the greeting and once for the apology. */
export function afterOpenings(text: string): string {
  return text.replace(OPENINGS, "").replace(OPENINGS, "");
}
