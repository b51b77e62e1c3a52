// The options of a provider's connection. Its limits and models are other stages' options; the configuration puts them together.

import { z } from "zod";

/** A provider's connection, as the user writes it. `openai-compatible` needs a `baseUrl` ({@link missingBaseUrl} says so). */
export const providerOptions = z.strictObject({
  kind: z.enum(["openai", "anthropic", "openai-compatible"]),
  apiKey: z.string().trim().min(1),
  /** Where the vendor's API lives, for OpenAI kinds with its version (`https://host/v1`); absent: the vendor's own address. */
  baseUrl: z.url({ protocol: /^https?$/, error: "must be an http:// or https:// address" }).optional(),
});

export type ProviderOptions = z.output<typeof providerOptions>;

/** The rule that spans two fields, apart from the schema so that the schema can be extended. Answers what is wrong, or undefined. */
export function missingBaseUrl(options: Pick<ProviderOptions, "kind" | "baseUrl">): string | undefined {
  if (options.kind !== "openai-compatible" || options.baseUrl !== undefined) return undefined;
  return "an openai-compatible provider needs a baseUrl, such as http://localhost:8000/v1";
}
