import { systemClock } from "../../src/runtime/clock.ts";
import { createProvider } from "../../src/providers/create-provider.ts";
import { providerContract } from "../contracts/provider-contract.ts";
import { anthropicFixtures } from "../fixtures/providers/anthropic-fixtures.ts";

providerContract((spec) => createProvider({ spec, clock: systemClock }), anthropicFixtures);
