// What every provider must do, over real HTTP against a server that answers as the vendor would.

import { getEventListeners } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ModelRequest } from "../../src/job/request.ts";
import type { ProviderSpec } from "../../src/job/model.ts";
import type { CallReport, Provider } from "../../src/providers/provider.ts";
import { startFixtureServer, type FixtureServer, type Reply } from "../fixtures/providers/fixture-server.ts";
import { MODEL, type VendorFixtures } from "../fixtures/providers/vendor-fixtures.ts";

const API_KEY = "secret-key-0123456789";
const REQUEST: ModelRequest = { kind: "prompt", system: "Be brief.", messages: [{ role: "user", content: "Hello?" }] };
/** Longer than any answer of the fixture server takes. */
const AMPLE_MS = 15_000;

export function providerContract(createProvider: (spec: ProviderSpec) => Provider, vendor: VendorFixtures): void {
  describe(`a provider of kind ${vendor.kind}`, () => {
    let server: FixtureServer;
    let provider: Provider;

    beforeAll(async () => {
      server = await startFixtureServer();
      provider = createProvider(specAt(server.url));
    });
    afterAll(() => server.stop());

    const specAt = (url: string): ProviderSpec => ({
      name: "vendor",
      kind: vendor.kind,
      apiKey: API_KEY,
      baseUrl: `${url}${vendor.basePath}`,
      limits: {},
      models: [MODEL],
    });

    const call = (
      reply: Reply,
      options: { timeoutMs?: number; signal?: AbortSignal; request?: ModelRequest } = {},
    ): Promise<CallReport> => {
      server.reply(reply);
      return provider.call({
        model: MODEL,
        request: options.request ?? REQUEST,
        timeoutMs: options.timeoutMs ?? AMPLE_MS,
        signal: options.signal ?? new AbortController().signal,
      });
    };

    it("answers with the vendor's text, usage, limits and request id", async () => {
      const report = await call(vendor.answer("Hello, world"));
      expect(report).toEqual({
        outcome: { kind: "answered", answer: { text: "Hello, world", finish: { unified: "stop", raw: expect.any(String) } } },
        usage: vendor.usage,
        limits: vendor.limits,
        status: 200,
        requestId: vendor.requestId,
        billable: true,
      });
    });

    it("asks the vendor's endpoint with the key and the vendor's name of the model", async () => {
      await call(vendor.answer("x"));
      const [request] = server.requests;
      expect(request).toMatchObject({ method: "POST", path: vendor.callPath, body: { model: "model-1" } });
      expect(request?.headers.authorization).toBe(`Bearer ${API_KEY}`);
    });

    it("reads characters that are split over packets", async () => {
      const report = await call({ kind: "pieces", body: vendor.answer("Grüße, 世界 🚀").body });
      expect(report.outcome).toMatchObject({ kind: "answered", answer: { text: "Grüße, 世界 🚀" } });
    });

    it("answers a job given as an OpenAI body with a chat completion", async () => {
      const report = await call(vendor.answer("Hi"), {
        request: { kind: "openai-chat", body: { model: "auto", messages: [{ role: "user", content: "Hello?" }] } },
      });
      expect(report.outcome).toMatchObject({
        kind: "answered",
        answer: {
          text: "Hi",
          body: {
            object: "chat.completion",
            choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
            usage: { prompt_tokens: 120, completion_tokens: 40, total_tokens: 160 },
          },
        },
      });
    });

    it("reports a refusal as refused, with its usage", async () => {
      expect(await call(vendor.refusal)).toMatchObject({ outcome: { kind: "refused" }, usage: vendor.usage, billable: true });
    });

    it("reports an answer cut off at its token limit as unfit, with its usage", async () => {
      expect(await call(vendor.cutOff)).toMatchObject({
        outcome: { kind: "unfit", cause: "cut-off" },
        usage: vendor.usage,
        billable: true,
      });
    });

    describe.each(vendor.failures)("when the vendor answers with $name", ({ reply, outcome, billable }) => {
      it(`ends as ${outcome.kind}, after one request`, async () => {
        const report = await call(reply);
        expect(report.outcome).toMatchObject({ ...outcome, reason: expect.stringMatching(/\S/) });
        expect(report).toMatchObject({ billable, status: "status" in reply ? reply.status : undefined });
        expect(report.usage).toBeUndefined();
        expect(server.requests).toHaveLength(1);
      });
    });

    it.each([
      ["seconds", { "retry-after": "7" }, 7_000],
      ["milliseconds, which are exacter", { "retry-after": "7", "retry-after-ms": "6500" }, 6_500],
      ["more than a minute", { "retry-after": "3600" }, 3_600_000],
      ["a date that has passed", { "retry-after": "Thu, 01 Jan 2026 00:00:00 GMT" }, 0],
    ])("waits as long as a rate limit asks for: %s", async (_what, headers, waitMs) => {
      expect((await call(vendor.rateLimit(headers))).outcome).toMatchObject({ kind: "throttled", waitMs });
    });

    it("waits a second or two where a rate limit names no time", async () => {
      const { outcome } = await call(vendor.rateLimit({ "retry-after": "soon" }));
      expect(outcome.kind === "throttled" && outcome.waitMs >= 1_000 && outcome.waitMs <= 2_000).toBe(true);
    });

    it("takes a server's retry-after along with a transient failure", async () => {
      const reply = vendor.failure(500, "try later");
      const withHeader = { ...reply, headers: { "retry-after": "3" } } as Reply;
      expect((await call(withHeader)).outcome).toMatchObject({ kind: "transient", retryAfterMs: 3_000 });
    });

    it("does not retry even when the vendor says that it should", async () => {
      await call({ ...vendor.failure(500, "again"), headers: { "x-should-retry": "true", "retry-after-ms": "1" } } as Reply);
      expect(server.requests).toHaveLength(1);
    });

    it.each([
      ["no JSON", { kind: "text", status: 200, text: "<html>maintenance</html>" }],
      ["half a JSON", { kind: "text", status: 200, text: '{"id": "x", "cho', headers: { "content-type": "application/json" } }],
      ["nothing", { kind: "text", status: 200, text: "" }],
      ["null", { kind: "json", status: 200, body: null }],
      ["another JSON", { kind: "json", status: 200, body: { hello: [1] } }],
      ["an error in spite of its status", { kind: "json", status: 200, body: { error: { message: "upstream failed", code: 502 } } }],
    ] satisfies [string, Reply][])("is transient when the vendor answers 200 with %s", async (_what, reply) => {
      expect(await call(reply)).toMatchObject({ outcome: { kind: "transient" }, billable: true, status: 200 });
    });

    it.each(["hang", "trickle"] as const)("ends a call whose answer does not come whole in time, and its connection (%s)", async (kind) => {
      const report = await call({ kind }, { timeoutMs: 60 });
      expect(report).toMatchObject({
        outcome: { kind: "transient", reason: expect.stringContaining("60 ms") },
        billable: true,
        limits: [],
      });
      await server.departure();
    });

    it.each(["reset", "reset-mid-body", "cut-mid-body"] as const)(
      "is transient, and perhaps billed, when the connection breaks (%s)",
      async (kind) => {
        expect(await call({ kind })).toMatchObject({
          outcome: { kind: "transient", reason: expect.stringContaining("no answer") },
          billable: true,
        });
      },
    );

    it("is transient, and certainly not billed, when nothing listens", async () => {
      const alone = createProvider(specAt(await deadAddress()));
      const report = await alone.call({ model: MODEL, request: REQUEST, timeoutMs: AMPLE_MS, signal: new AbortController().signal });
      expect(report).toMatchObject({ outcome: { kind: "transient", reason: expect.stringContaining("ECONNREFUSED") }, billable: false });
    });

    it.each(["hang", "trickle"] as const)("ends as cancelled at once when it is aborted from outside (%s)", async (kind) => {
      const controller = new AbortController();
      const report = call({ kind }, { signal: controller.signal });
      await server.arrival();
      controller.abort();
      expect(await report).toMatchObject({ outcome: { kind: "cancelled" }, billable: true });
      await server.departure();
    });

    it("sends nothing when it was aborted before", async () => {
      const report = await call(vendor.answer("x"), { signal: AbortSignal.abort() });
      expect(report).toMatchObject({ outcome: { kind: "cancelled" }, billable: false });
      expect(server.requests).toHaveLength(0);
    });

    it("leaves no listener on a signal that lives as long as the process, and keeps its connections", async () => {
      const { signal } = new AbortController();
      await call(vendor.answer("x"), { signal });
      const before = server.connections();
      for (let i = 0; i < 20; i++) await call(i % 2 === 0 ? vendor.answer("x") : vendor.failure(500, "no"), { signal });
      expect(getEventListeners(signal, "abort")).toHaveLength(0);
      expect(server.connections()).toBe(before);
    });

    it("makes a hundred calls side by side", async () => {
      const reports = await Promise.all(Array.from({ length: 100 }, () => call(vendor.answer("x"))));
      expect(reports.every(({ outcome }) => outcome.kind === "answered")).toBe(true);
    });

    it("never repeats the key, and keeps reasons short", async () => {
      const echo = `key ${API_KEY} is wrong; ${"and so on ".repeat(200)}`;
      for (const status of [400, 401, 500]) {
        const report = await call(vendor.failure(status, echo));
        expect(JSON.stringify(report)).not.toContain(API_KEY);
        expect((report.outcome as { reason: string }).reason.length).toBeLessThanOrEqual(500);
        server.reply(vendor.failure(status, echo));
        expect(await provider.probe(new AbortController().signal)).not.toContain(API_KEY);
      }
      const garbage = await call({ kind: "text", status: 200, text: `echo ${API_KEY}` });
      expect(JSON.stringify(garbage)).not.toContain(API_KEY);
    });

    describe("its probe", () => {
      it("lists the vendor's models and finds all well", async () => {
        server.reply({ kind: "json", status: 200, body: { object: "list", data: [] } });
        expect(await provider.probe(new AbortController().signal)).toBeUndefined();
        expect(server.requests).toMatchObject([{ method: "GET", path: "/v1/models" }]);
      });

      it("gives the vendor's reason", async () => {
        server.reply(vendor.failure(401, "wrong key"));
        expect(await provider.probe(new AbortController().signal)).toBe("401 wrong key");
      });

      it("says so when nobody answers or it is stopped", async () => {
        const alone = createProvider(specAt(await deadAddress()));
        expect(await alone.probe(new AbortController().signal)).toContain("ECONNREFUSED");
        expect(await alone.probe(AbortSignal.abort())).toContain("stopped");
      });
    });
  });
}

/** An address at which nothing listens any more. */
async function deadAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => void server.close(resolve));
  return `http://127.0.0.1:${port}`;
}
