// Chooses the implementation by the provider's kind.

import { UsageError } from "../job/errors.ts";
import type { ProviderSpec } from "../job/model.ts";
import type { Clock } from "../runtime/clock.ts";
import { createAnthropicProvider } from "./anthropic.ts";
import { createOpenAiProvider } from "./openai.ts";
import { missingBaseUrl } from "./provider-options.ts";
import type { Provider } from "./provider.ts";

/** One per provider and process: it holds the SDK's client. Throws {@link UsageError} for an `openai-compatible` provider without an address. */
export function createProvider(options: { spec: ProviderSpec; clock: Clock }): Provider {
  const problem = missingBaseUrl(options.spec);
  if (problem) throw new UsageError(`provider ${options.spec.name}: ${problem}`);
  return options.spec.kind === "anthropic" ? createAnthropicProvider(options) : createOpenAiProvider(options);
}
