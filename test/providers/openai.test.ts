import { systemClock } from "../../src/runtime/clock.ts";
import { createProvider } from "../../src/providers/create-provider.ts";
import { providerContract } from "../contracts/provider-contract.ts";
import { openAiFixtures } from "../fixtures/providers/openai-fixtures.ts";

providerContract((spec) => createProvider({ spec, clock: systemClock }), openAiFixtures);
providerContract((spec) => createProvider({ spec, clock: systemClock }), { ...openAiFixtures, kind: "openai-compatible" });
