// docs/costs.md says what the catalogue does, and which version of it that is.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { cataloguePrice, type CatalogueAnswer, type CatalogueQuestion } from "../../src/cost/price-catalogue.ts";
import { priceOptions } from "../../src/cost/price-options.ts";
import { priceProblems, resolvePrices, type ProviderPrices } from "../../src/cost/resolve-price.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const page = await readFile(resolve(ROOT, "docs/costs.md"), "utf8");
const AT = new Date("2026-11-23T12:00:00Z");

const VENDORS: Readonly<Record<string, Omit<CatalogueQuestion, "model">>> = {
  OpenAI: { kind: "openai" },
  Anthropic: { kind: "anthropic" },
  Google: { kind: "openai-compatible", baseUrl: "https://generativelanguage.googleapis.com/v1beta/openai" },
  Mistral: { kind: "openai-compatible", baseUrl: "https://api.mistral.ai/v1" },
  DeepSeek: { kind: "openai-compatible", baseUrl: "https://api.deepseek.com" },
  Groq: { kind: "openai-compatible", baseUrl: "https://api.groq.com/openai/v1" },
  Together: { kind: "openai-compatible", baseUrl: "https://api.together.xyz/v1" },
};

const rows = Array.from(page.matchAll(/^\| (\w+) \| `([^`]+)` \|(.*)\|$/gm), ([, vendor = "", model = "", rest = ""]) => ({
  vendor,
  model,
  cells: rest.split("|").map((cell) => cell.trim()),
})).filter(({ vendor }) => vendor in VENDORS);

describe("docs/costs.md", () => {
  it("has models of every vendor that it names", () => {
    expect([...new Set(rows.map(({ vendor }) => vendor))]).toEqual(Object.keys(VENDORS));
  });

  it.each(rows)("prices $vendor's $model as the catalogue does", ({ vendor, model, cells }) => {
    const answer = cataloguePrice({ ...VENDORS[vendor]!, model }, AT);
    expect(cells).toEqual(cellsOf(answer));
  });

  it("names the version of the catalogue that is installed", async () => {
    const { dependencies } = JSON.parse(await readFile(resolve(ROOT, "package.json"), "utf8")) as { dependencies: Record<string, string> };
    expect(page).toContain(`genai-prices) ${dependencies["@pydantic/genai-prices"]}`);
  });

  it("shows a configuration whose models all have a price, and a price with tiers that is one", async () => {
    const [fleet = "", tiers = ""] = Array.from(page.matchAll(/```yaml\n([\s\S]*?)```/g), ([, yaml = ""]) => yaml);
    const { providers } = parse(fleet) as { providers: Record<string, ProviderPrices> };
    const parsed = Object.fromEntries(
      Object.entries(providers).map(([name, provider]) => [name, { ...provider, models: withPrices(provider.models) }]),
    );
    const prices = await resolvePrices(parsed, AT);
    expect([...prices.values()].map(({ kind }) => kind)).toEqual(["priced", "priced", "free"]);
    expect(priceProblems(prices)).toEqual([]);
    expect(priceOptions.parse((parse(tiers) as { price: unknown }).price).tiers).toHaveLength(1);
  });
});

/** As YAML leaves them, where an empty entry is null, to what the configuration's schema makes of them. */
function withPrices(models: Readonly<Record<string, { readonly price?: unknown } | null>>): ProviderPrices["models"] {
  return Object.fromEntries(
    Object.entries(models).map(([name, model]) => [name, model?.price === undefined ? {} : { price: priceOptions.parse(model.price) }]),
  );
}

function cellsOf(answer: CatalogueAnswer): readonly string[] {
  if (answer.kind === "none") return ["", "", "", "", "", answer.reason.includes("time of day") ? "by the time of day" : "not known"];
  const { price, changesOn } = answer;
  const dollars = (pico: number): string => String(pico / 1e6);
  const tiers = (price.tiers ?? []).map(
    (tier) => `above ${tier.aboveInputTokens.toLocaleString("en-US")}: ${dollars(tier.input)} / ${dollars(tier.output)}`,
  );
  return [
    ...[price.input, price.cachedInput, price.cacheWrite, price.output].map(dollars),
    tiers.join("; ") || "–",
    changesOn === undefined ? "" : `until ${changesOn}`,
  ];
}
