// The vendors' list prices, from the catalogue of @pydantic/genai-prices, which is part of that package: nothing is fetched. The package's only door.

import { findProvider, type ConditionalPrice, type ModelInfo, type ModelPrice, type Provider } from "@pydantic/genai-prices";
import type { Price, ProviderKind } from "../job/model.ts";
import { isMeantBy } from "./catalogue-name.ts";
import { convertPrice } from "./catalogue-price.ts";

export interface CatalogueQuestion {
  readonly kind: ProviderKind;
  /** Absent: the vendor's own address. */
  readonly baseUrl?: string | undefined;
  /** The model's name as the wire has it. */
  readonly model: string;
}

export type CatalogueAnswer =
  | {
      readonly kind: "priced";
      readonly price: Price;
      /** `genai-prices: openai/gpt-5-mini`. */
      readonly source: string;
      /** The day, in UTC, from which the catalogue has another price. */
      readonly changesOn?: string;
    }
  | { readonly kind: "none"; readonly reason: string };

/** The catalogue names a vendor by its address; these are addresses that it lacks. */
const MORE_ADDRESSES: readonly { readonly host: string; readonly id: string }[] = [{ host: "api.together.ai", id: "together" }];
/** `eu.api.openai.com`: there some models cost more than the list says. */
const REGIONAL_HOST = /^[a-z]{2}\.api\.openai\.com$/;
/** They search at every call, whether asked to or not, and each search costs more than a short prompt: the list's prices are of the tokens alone. */
const SEARCHES = /-search-(?:preview|api)\b|^perplexity\//;

/** The price that holds at a time. Standard prices: not those of priority, flex or batch processing. */
export function cataloguePrice(question: CatalogueQuestion, at: Date): CatalogueAnswer {
  const host = question.baseUrl === undefined ? undefined : hostOf(question.baseUrl);
  if (host !== undefined && REGIONAL_HOST.test(host)) {
    return { kind: "none", reason: `some models cost more at the regional address ${host} than the catalogue's list says` };
  }
  if (SEARCHES.test(question.model.toLowerCase())) {
    return { kind: "none", reason: "it is charged for each search as well, which a price per token doesn't hold" };
  }
  const provider = providerOf(question, host);
  if (!provider) return { kind: "none", reason: `the price catalogue knows no vendor at ${host ?? "this address"}` };
  const found = findModel(provider, question.model);
  if (!found) return { kind: "none", reason: `the price catalogue has no model of this name at ${provider.name}` };
  const entry = `${found.provider.id}/${found.model.id}`;
  const held = pricesAt(found.model.prices, at);
  if (held.kind === "by-hour") return { kind: "none", reason: `its price depends on the time of day (${entry} in the price catalogue)` };
  const converted = convertPrice(held.prices);
  if (converted.kind === "none") return { kind: "none", reason: `${entry} in the price catalogue ${converted.reason}` };
  const { changesOn } = held;
  return { kind: "priced", price: converted.price, source: `genai-prices: ${entry}`, ...(changesOn === undefined ? {} : { changesOn }) };
}

/** A known address tells the vendor; behind another one (a gateway, the simulator) the kind does, where it is a vendor's. */
function providerOf({ kind, baseUrl }: CatalogueQuestion, host: string | undefined): Provider | undefined {
  const id = MORE_ADDRESSES.find((address) => address.host === host)?.id;
  if (id !== undefined) return findProvider({ providerId: id });
  const byAddress = baseUrl === undefined ? undefined : findProvider({ providerApiUrl: baseUrl });
  return byAddress ?? (kind === "openai-compatible" ? undefined : findProvider({ providerId: kind }));
}

/** Without what a URL may hold beside its host: the answer is printed. */
function hostOf(baseUrl: string): string | undefined {
  return URL.canParse(baseUrl) ? new URL(baseUrl).host : undefined;
}

function findModel(provider: Provider, name: string): { readonly provider: Provider; readonly model: ModelInfo } | undefined {
  // Azure sells other vendors' models at their prices.
  const others = (provider.fallback_model_providers ?? []).flatMap((id) => findProvider({ providerId: id }) ?? []);
  for (const seller of [provider, ...others]) {
    for (const each of namesOf(seller, name)) {
      const model = seller.models.find(({ match }) => isMeantBy(match, each));
      if (model) return { provider: seller, model };
    }
  }
  return undefined;
}

/** Google also takes `models/gemini-2.5-pro` and `google/gemini-2.5-pro`. */
function namesOf(provider: Provider, name: string): readonly string[] {
  const prefix = ["models/", `${provider.id}/`].find((each) => name.startsWith(each));
  return prefix === undefined ? [name] : [name, name.slice(prefix.length)];
}

type HeldPrices = { readonly kind: "held"; readonly prices: ModelPrice; readonly changesOn?: string } | { readonly kind: "by-hour" };

/** The last entry whose condition is met holds, as in the catalogue's own arithmetic; the first one where none is. */
function pricesAt(prices: ModelInfo["prices"], at: Date): HeldPrices {
  if (!Array.isArray(prices)) return { kind: "held", prices };
  const held = prices.findLast(({ constraint }) => constraint?.type !== "start_date" || at >= new Date(constraint.start_date)) ?? prices[0];
  if (held?.constraint?.type === "time_of_date") return { kind: "by-hour" };
  const changesOn = prices
    .flatMap(({ constraint }: ConditionalPrice) => (constraint?.type === "start_date" ? [constraint.start_date] : []))
    .filter((day) => new Date(day) > at)
    .toSorted()[0];
  return { kind: "held", prices: held?.prices ?? {}, ...(changesOn === undefined ? {} : { changesOn }) };
}
