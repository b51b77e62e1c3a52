import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { createFaultBoard, FAULTS, type FaultName } from "../../src/simulator/faults.ts";
import { createSimulator, type Simulator } from "../../src/simulator/simulator.ts";

let simulator: Simulator;
let url: string;

beforeAll(async () => {
  simulator = createSimulator({
    port: 0,
    callLog: true,
    vendors: {
      openai: { kind: "openai", models: { a: { price: { input: 1, output: 1 } }, b: {} } },
      anthropic: { kind: "anthropic", models: { a: { price: { input: 1, output: 1 } }, b: {} } },
    },
  });
  ({ url } = await simulator.start());
});
afterAll(() => simulator.stop());
afterEach(() => simulator.reset());

const callers = {
  openai: (model = "a", timeout = 5000): Promise<unknown> =>
    new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: "any", maxRetries: 0, timeout }).chat.completions.create({
      model,
      messages: [{ role: "user", content: "Hello" }],
    }),
  anthropic: (model = "a", timeout = 5000): Promise<unknown> =>
    new Anthropic({ baseURL: `${url}/anthropic`, apiKey: "any", maxRetries: 0, timeout }).messages.create({
      model,
      max_tokens: 100,
      messages: [{ role: "user", content: "Hello" }],
    }),
};
type Vendor = keyof typeof callers;

async function errorOf(
  vendor: Vendor,
  fault: FaultName,
  more: { delayMs?: number } = {},
): Promise<{ status?: number; headers?: Headers; error?: unknown }> {
  simulator.setFault({ vendor, fault, ...more });
  return callers[vendor]().then(
    () => expect.unreachable("answered"),
    (error: unknown) => error as object,
  );
}

describe("faults that are errors of the vendor", () => {
  const expected: [FaultName, { openai: object; anthropic: object }][] = [
    [
      "outage",
      {
        openai: { status: expect.toBeOneOf([500, 503]) as number, type: "server_error" },
        anthropic: { status: expect.toBeOneOf([500, 503]) as number, type: "api_error" },
      },
    ],
    ["overloaded", { openai: { status: 503 }, anthropic: { status: 529, type: "overloaded_error" } }],
    [
      "slow-down",
      {
        openai: { status: 503, message: expect.stringContaining("Slow Down") as string },
        anthropic: { status: 429, errorCode: "ramp_limit_exceeded" },
      },
    ],
    [
      "storm",
      { openai: { status: 429, code: "rate_limit_exceeded", type: "requests" }, anthropic: { status: 429, type: "rate_limit_error" } },
    ],
    [
      "quota",
      {
        openai: { status: 429, code: "insufficient_quota", type: "insufficient_quota" },
        anthropic: { status: 400, message: expect.stringContaining("You have reached your specified API usage limits") as string },
      },
    ],
    ["billing", { openai: { status: 429, code: "credit_balance_exhausted" }, anthropic: { status: 402, type: "billing_error" } }],
    [
      "spend-cap",
      {
        openai: { status: 429, code: "organization_spend_limit_exceeded" },
        anthropic: { status: 429, errorCode: "enforced_spend_limit_reached" },
      },
    ],
    ["auth", { openai: { status: 401, code: "invalid_api_key" }, anthropic: { status: 401, type: "authentication_error" } }],
    ["permission", { openai: { status: 403 }, anthropic: { status: 403, type: "permission_error" } }],
    ["unknown-model", { openai: { status: 404, code: "model_not_found" }, anthropic: { status: 404, type: "not_found_error" } }],
    ["too-large", { openai: { status: 413 }, anthropic: { status: 413 } }],
    [
      "content-policy",
      {
        openai: { status: 400, code: "content_policy_violation" },
        anthropic: { status: 400, message: expect.stringContaining("content filtering policy") as string },
      },
    ],
  ];
  for (const [fault, byVendor] of expected) {
    for (const vendor of ["openai", "anthropic"] as const) {
      test(`${fault} at ${vendor}`, async () => {
        expect(await errorOf(vendor, fault)).toMatchObject(byVendor[vendor]);
        expect(simulator.ledger().vendors[vendor]?.total).toMatchObject({ calls: 1, answered: 0, costNanoUsd: 0, faults: { [fault]: 1 } });
        simulator.clearFaults();
        await expect(callers[vendor]()).resolves.toBeDefined();
      });
    }
  }

  test("a storm tells a retry-after: as set, long, or none", async () => {
    for (const vendor of ["openai", "anthropic"] as const) {
      expect((await errorOf(vendor, "storm", { delayMs: 7000 })).headers?.get("retry-after")).toBe("7");
      simulator.clearFaults();
      expect((await errorOf(vendor, "long-retry-after")).headers?.get("retry-after")).toBe("120");
      simulator.clearFaults();
      const silent = await errorOf(vendor, "no-retry-after");
      expect(silent.status).toBe(429);
      expect(silent.headers?.get("retry-after") ?? silent.headers?.get("retry-after-ms") ?? null).toBeNull();
      expect(simulator.ledger().vendors[vendor]?.total.refused429).toBe(3);
      simulator.reset();
    }
  });

  test("an Anthropic spend cap has no retry-after", async () => {
    expect((await errorOf("anthropic", "spend-cap")).headers?.get("retry-after")).toBeNull();
  });
});

describe("faults of the connection", () => {
  for (const vendor of ["openai", "anthropic"] as const) {
    test(`refuse closes it before an answer, at ${vendor}`, async () => {
      expect((await errorOf(vendor, "refuse")).constructor.name).toBe("APIConnectionError");
      expect(simulator.ledger().total).toMatchObject({ answered: 0, errors: { "connection-refused": 1 } });
    });

    test(`reset breaks it in the middle of an answer, which is billed and undelivered, at ${vendor}`, async () => {
      const error = await errorOf(vendor, "reset");
      expect(error.status).toBeUndefined();
      await expect.poll(() => simulator.ledger().total.undelivered).toBe(1);
      const { total } = simulator.ledger();
      expect(total).toMatchObject({ answered: 1, aborted: 0, errors: {} });
      expect(total.costNanoUsd).toBeGreaterThan(0);
      expect(total.undeliveredCostNanoUsd).toBe(total.costNanoUsd);
    });

    test(`hang never answers, at ${vendor}`, async () => {
      simulator.setFault({ vendor, fault: "hang" });
      await expect(callers[vendor]("a", 100)).rejects.toThrow("Request timed out.");
      await expect
        .poll(() => simulator.ledger().total)
        .toMatchObject({ calls: 1, answered: 0, aborted: 1, undelivered: 0, errors: { hung: 1 } });
      await expect.poll(() => simulator.state().vendors[vendor]?.models["a"]?.inFlight).toBe(0);
    });
  }
});

describe("faults of the answer", () => {
  test("malformed answers are 200 and none of the vendor's", async () => {
    simulator.setFault({ vendor: "openai", fault: "malformed" });
    const bodies = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const response = await fetch(`${url}/openai/v1/chat/completions`, {
          method: "POST",
          body: JSON.stringify({ model: "a", messages: [{ role: "user", content: "Hello" }] }),
        });
        expect(response.status).toBe(200);
        return response.text();
      }),
    );
    expect(new Set(bodies).size).toBe(3);
    expect(simulator.ledger().total).toMatchObject({ answered: 0, errors: { malformed: 20 } });
  });

  test("content filter, refusal and cut-off are told in the vendor's words, and paid", async () => {
    simulator.setFault({ vendor: "openai", fault: "content-filter" });
    expect(await callers.openai()).toMatchObject({ choices: [{ finish_reason: "content_filter" }] });
    simulator.setFault({ vendor: "openai", fault: "refusal" });
    expect(await callers.openai()).toMatchObject({
      choices: [{ finish_reason: "stop", message: { content: null, refusal: expect.any(String) as string } }],
    });
    simulator.setFault({ vendor: "openai", fault: "cut-off" });
    expect(await callers.openai()).toMatchObject({ choices: [{ finish_reason: "length" }] });
    for (const fault of ["content-filter", "refusal"] as const) {
      simulator.setFault({ vendor: "anthropic", fault });
      expect(await callers.anthropic()).toMatchObject({ stop_reason: "refusal" });
    }
    simulator.setFault({ vendor: "anthropic", fault: "cut-off" });
    expect(await callers.anthropic()).toMatchObject({ stop_reason: "max_tokens" });
    expect(simulator.ledger().total).toMatchObject({ answered: 6, errors: {} });
  });

  test("slow adds to the latency and to other faults", async () => {
    simulator.setFault({ vendor: "openai", fault: "slow", delayMs: 80 });
    const before = performance.now();
    await callers.openai();
    expect(performance.now() - before).toBeGreaterThanOrEqual(75);
    simulator.setFault({ vendor: "openai", fault: "outage" });
    await expect(callers.openai()).rejects.toMatchObject({ type: "server_error" });
    expect(simulator.ledger().total.faults).toEqual({ slow: 2, outage: 1 });
  });
});

const draw = () => {
  const board = createFaultBoard({ seed: 3, now: () => 0, models: { v: ["m"] } });
  board.set({ vendor: "v", fault: "outage", share: 0.2 });
  return Array.from({ length: 5000 }, () => board.draw("v", "m").fault !== undefined);
};

describe("the board of faults", () => {
  test("bears on one model alone where one is named", async () => {
    simulator.setFault({ vendor: "openai", model: "a", fault: "outage" });
    await expect(callers.openai("a")).rejects.toMatchObject({ type: "server_error" });
    await expect(callers.openai("b")).resolves.toBeDefined();
    await expect(callers.anthropic("a")).resolves.toBeDefined();
  });

  test("bears on a share of the calls, the same ones in every run", () => {
    const hits = draw();
    expect(hits.filter(Boolean).length / hits.length).toBeCloseTo(0.2, 1);
    expect(draw()).toEqual(hits);
  });

  test("ends a fault when its time is over", () => {
    let now = 0;
    const board = createFaultBoard({ seed: 1, now: () => now, models: { v: ["m"] } });
    board.set({ vendor: "v", fault: "outage", forMs: 1000 });
    expect(board.active()).toMatchObject([{ fault: "outage", endsInMs: 1000 }]);
    now = 999;
    expect(board.draw("v", "m").fault?.fault).toBe("outage");
    now = 1000;
    expect(board.draw("v", "m").fault).toBeUndefined();
    expect(board.active()).toEqual([]);
  });

  test("replaces the same fault, and clears all or those that match", () => {
    const board = createFaultBoard({ seed: 1, now: () => 0, models: { v: ["m"], w: ["m"] } });
    board.set({ vendor: "v", fault: "outage" });
    board.set({ vendor: "v", fault: "outage", share: 0.5 });
    board.set({ vendor: "v", model: "m", fault: "outage" });
    board.set({ vendor: "w", fault: "slow" });
    expect(board.active()).toHaveLength(3);
    board.clear({ vendor: "v" });
    expect(board.active()).toMatchObject([{ vendor: "w" }]);
    board.clear();
    expect(board.active()).toEqual([]);
  });

  test("refuses unknown faults, vendors and models, and says which there are", () => {
    expect(() => simulator.setFault({ vendor: "openai", fault: "flood" as FaultName })).toThrow(/fault/);
    expect(() => simulator.setFault({ vendor: "mistral", fault: "outage" })).toThrow(/no vendor "mistral"/);
    expect(() => simulator.setFault({ vendor: "openai", model: "z", fault: "outage" })).toThrow(/no model "z"/);
  });

  test("knows every fault by what it does", () => {
    for (const fault of Object.keys(FAULTS) as FaultName[]) simulator.setFault({ vendor: "openai", fault });
    expect(simulator.state().faults).toHaveLength(Object.keys(FAULTS).length);
  });
});

const control = (method: string, path: string, body?: object) =>
  fetch(`${url}/_control/${path}`, { method, ...(body ? { body: JSON.stringify(body) } : {}) });

describe("the control endpoint", () => {
  test("switches faults on and off", async () => {
    const set = await control("POST", "faults", { vendor: "anthropic", fault: "overloaded", share: 1, forMs: 60_000 });
    expect(await set.json()).toMatchObject({ faults: [{ vendor: "anthropic", fault: "overloaded" }] });
    await expect(callers.anthropic()).rejects.toMatchObject({ status: 529 });
    expect(await (await control("DELETE", "faults?vendor=openai")).json()).toMatchObject({ faults: [{}] });
    expect(await (await control("DELETE", "faults")).json()).toEqual({ faults: [] });
    await expect(callers.anthropic()).resolves.toBeDefined();
  });

  test("answers 400 with the reason for a wrong fault, and 404 with its endpoints", async () => {
    const wrong = await control("POST", "faults", { vendor: "openai", fault: "outage", share: 2 });
    expect(wrong.status).toBe(400);
    expect(await wrong.text()).toContain("share");
    expect((await control("GET", "nothing")).status).toBe(404);
    expect((await fetch(`${url}/mistral/v1/models`)).status).toBe(404);
  });

  test("tells ledger and state, and resets both", async () => {
    await callers.openai();
    const ledger = (await (await control("GET", "ledger")).json()) as { total: { calls: number }; calls: unknown[] };
    expect(ledger).toMatchObject({ total: { calls: 1, answered: 1 } });
    expect(ledger.calls).toHaveLength(1);
    expect(await (await control("GET", "ledger?calls=0")).json()).not.toHaveProperty("calls");
    expect(await (await control("GET", "state")).json()).toMatchObject({
      vendors: { openai: { kind: "openai", models: { a: { inFlight: 0 } } } },
      faults: [],
    });
    await control("POST", "reset");
    expect(simulator.ledger().total.calls).toBe(0);
  });
});
