import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { batchKeys, DEAD_QUEUE, modelQueue, parseQueueName, providerKeys, REROUTE_QUEUE, taskQueue } from "../../src/runtime/keys.ts";

const name = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,63}$/);
const model = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 });

describe("queue names", () => {
  it("tell which task or model they belong to", () => {
    fc.assert(
      fc.property(name, model, (provider, vendorName) => {
        expect(parseQueueName(taskQueue(provider))).toEqual({ kind: "task", task: provider });
        expect(parseQueueName(modelQueue(`${provider}/${vendorName}`))).toEqual({ kind: "model", model: `${provider}/${vendorName}` });
      }),
    );
    expect(parseQueueName(REROUTE_QUEUE)).toEqual({ kind: "reroute" });
    expect(parseQueueName(DEAD_QUEUE)).toEqual({ kind: "dead" });
  });

  it("are one hash tag and hold no colon, which BullMQ refuses", () => {
    fc.assert(
      fc.property(name, model, (provider, vendorName) => {
        expect(modelQueue(`${provider}/${vendorName}`)).toMatch(/^\{[^{}:]+\}$/);
      }),
    );
  });

  it.each(["mail", "{task.}", "{model.x}", "{model..x}", "task.x", "{other.x}"])("a foreign queue is not ours: %s", (queue) => {
    expect(parseQueueName(queue)).toBeUndefined();
  });
});

const tags = (keys: object) => new Set(Object.values(keys).map((key) => /\{[^}]*\}/.exec(String(key))?.[0]));

describe("keys", () => {
  it("keep each batch and each provider in one slot of its own", () => {
    expect(tags(batchKeys("b1"))).toEqual(new Set(["{batch.b1}"]));
    expect(tags(providerKeys("openai"))).toEqual(new Set(["{provider.openai}"]));
  });
});
