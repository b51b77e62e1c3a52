import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { UsageError } from "../../src/job/errors.ts";
import type { ProviderSpec } from "../../src/job/model.ts";
import { createProvider } from "../../src/providers/create-provider.ts";
import { missingBaseUrl, providerOptions } from "../../src/providers/provider-options.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { anthropicFixtures } from "../fixtures/providers/anthropic-fixtures.ts";
import { startFixtureServer, type FixtureServer } from "../fixtures/providers/fixture-server.ts";
import { openAiFixtures } from "../fixtures/providers/openai-fixtures.ts";
import { MODEL } from "../fixtures/providers/vendor-fixtures.ts";

const spec = (kind: ProviderSpec["kind"], baseUrl?: string): ProviderSpec => ({
  name: "vendor",
  kind,
  apiKey: "secret-key-0123456789",
  ...(baseUrl === undefined ? {} : { baseUrl }),
  limits: {},
  models: [MODEL],
});

describe("provider options", () => {
  it("take kind, key and address, and nothing else", () => {
    expect(providerOptions.safeParse({ kind: "openai", apiKey: "k" }).success).toBe(true);
    expect(providerOptions.safeParse({ kind: "openai-compatible", apiKey: "k", baseUrl: "http://localhost:8000/v1" }).success).toBe(true);
    for (const wrong of [
      { kind: "gemini", apiKey: "k" },
      { kind: "openai", apiKey: " " },
      { kind: "openai" },
      { kind: "openai", apiKey: "k", baseUrl: "localhost:8000" },
      { kind: "openai", apiKey: "k", url: "http://x" },
    ])
      expect(providerOptions.safeParse(wrong).success).toBe(false);
  });

  it("need an address for a compatible server, and a provider can't be made without", () => {
    expect(missingBaseUrl({ kind: "openai-compatible" })).toContain("baseUrl");
    expect(missingBaseUrl({ kind: "openai" })).toBeUndefined();
    expect(() => createProvider({ spec: spec("openai-compatible"), clock: systemClock })).toThrow(UsageError);
  });
});

describe("a vendor's SDK", () => {
  let server: FixtureServer;
  const call = (kind: ProviderSpec["kind"], path = "", request: object = {}) =>
    createProvider({ spec: spec(kind, `${server.url}${path}`), clock: systemClock }).call({
      model: { ...MODEL, name: kind === "anthropic" ? "claude-sonnet-4-5" : "gpt-4" },
      request: { kind: "prompt", messages: [{ role: "user", content: "x" }], ...request },
      timeoutMs: 15_000,
      signal: new AbortController().signal,
    });

  beforeEach(async () => {
    server = await startFixtureServer();
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    await server.stop();
  });

  it("takes no address, organisation or key from the environment", async () => {
    for (const name of ["OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"]) vi.stubEnv(name, "http://127.0.0.1:1/wrong");
    for (const name of ["OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "ANTHROPIC_AUTH_TOKEN"])
      vi.stubEnv(name, "from-environment");
    for (const fixtures of [openAiFixtures, anthropicFixtures]) {
      server.reply(fixtures.answer("x"));
      expect((await call(fixtures.kind, fixtures.basePath)).outcome.kind).toBe("answered");
      expect(JSON.stringify(server.requests[0]?.headers)).not.toContain("from-environment");
    }
  });

  it("writes nothing to the console, not even when asked to by the environment", async () => {
    for (const name of ["OPENAI_LOG", "ANTHROPIC_LOG"]) vi.stubEnv(name, "debug");
    const spies = (["log", "info", "warn", "error", "debug"] as const).map((level) => vi.spyOn(console, level));
    for (const fixtures of [openAiFixtures, anthropicFixtures])
      for (const reply of [fixtures.answer("x"), fixtures.failure(500, "no"), fixtures.failure(401, "no")]) {
        server.reply(reply);
        await call(fixtures.kind, fixtures.basePath);
      }
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
  });

  it("asks the Anthropic API in the version that knows a temperature only when there is one", async () => {
    server.reply(anthropicFixtures.answer("x"));
    await call("anthropic", "", { temperature: 0 });
    await call("anthropic");
    const [warm, plain] = server.requests.map(({ headers }) => headers["anthropic-version"]);
    expect(warm).toBe("2023-06-01");
    expect(plain).not.toBe("2023-06-01");
  });

  it("finds Anthropic's API where the address already ends in its version", async () => {
    server.reply(anthropicFixtures.answer("x"));
    await call("anthropic", "/v1");
    expect(server.requests[0]?.path).toBe("/v1/messages");
  });
});
