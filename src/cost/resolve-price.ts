// Where each model's price comes from: the configuration's word, else the catalogue's list; or why it has none, and what to write.

import type { Price, ProviderKind } from "../job/model.ts";
import { modelId, splitModelId, type ModelId } from "../job/names.ts";
import type { CatalogueQuestion } from "./price-catalogue.ts";

export type ResolvedPrice =
  | {
      readonly kind: "priced";
      readonly price: Price;
      /** `configuration`, or the catalogue's entry. */
      readonly source: string;
      /** The day, in UTC, from which the catalogue has another price: a fleet that was started before goes on with this one. */
      readonly changesOn?: string;
    }
  | { readonly kind: "free"; readonly price: Price }
  | { readonly kind: "unpriced"; readonly reason: string; readonly remedy: string };

/** What it takes of a provider's checked options. */
export interface ProviderPrices {
  readonly kind: ProviderKind;
  readonly baseUrl?: string | undefined;
  /** By the vendor's name for the model. */
  readonly models: Readonly<Record<string, { readonly price?: Price | undefined }>>;
}

const REMEDY =
  "write what it costs, in dollars per million tokens, such as price: { input: 0.25, output: 2 }; or price: free, if it costs nothing";

/** By providers' names. The catalogue is loaded only when a model has no price of its own: it takes some 20 MB of memory. */
export async function resolvePrices(
  providers: Readonly<Record<string, ProviderPrices>>,
  at: Date,
): Promise<ReadonlyMap<ModelId, ResolvedPrice>> {
  const resolved = new Map<ModelId, ResolvedPrice>();
  for (const [provider, { kind, baseUrl, models }] of Object.entries(providers)) {
    for (const [model, { price }] of Object.entries(models)) {
      resolved.set(modelId(provider, model), price ? fromConfiguration(price) : await fromCatalogue({ kind, baseUrl, model }, at));
    }
  }
  return resolved;
}

/** For the configuration's list of problems: the path of each price that is missing, what is wrong and what to do. */
export function priceProblems(
  prices: ReadonlyMap<ModelId, ResolvedPrice>,
): readonly { readonly path: readonly string[]; readonly message: string }[] {
  return Array.from(prices).flatMap(([id, resolved]) => {
    if (resolved.kind !== "unpriced") return [];
    const { provider, name } = splitModelId(id);
    return [{ path: ["providers", provider, "models", name, "price"], message: `is missing, and ${resolved.reason}: ${resolved.remedy}` }];
  });
}

function fromConfiguration(price: Price): ResolvedPrice {
  return price.free ? { kind: "free", price } : { kind: "priced", price, source: "configuration" };
}

async function fromCatalogue(question: CatalogueQuestion, at: Date): Promise<ResolvedPrice> {
  const { cataloguePrice } = await import("./price-catalogue.ts");
  const answer = cataloguePrice(question, at);
  return answer.kind === "priced" ? answer : { kind: "unpriced", reason: answer.reason, remedy: REMEDY };
}
