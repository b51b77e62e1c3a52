import { describe, expect, it } from "vitest";
import { repairRequest } from "../../src/quality/repair.ts";
import { says } from "./checking.ts";

const REASON = "label: is required";

describe("repairRequest", () => {
  it("goes on with the answer and the reason", () => {
    const request = {
      kind: "prompt",
      system: "Sort.",
      messages: [{ role: "user", content: "Ticket" }],
      output: true,
      temperature: 0,
    } as const;
    expect(repairRequest(request, says("{}"), REASON)).toEqual({
      ...request,
      messages: [
        { role: "user", content: "Ticket" },
        { role: "assistant", content: "{}" },
        { role: "user", content: expect.stringContaining(REASON) as unknown },
      ],
    });
  });

  it("does the same with an OpenAI body, and leaves the rest of it alone", () => {
    const system = { role: "system", content: "Sort." };
    const asked = { role: "user", content: [{ type: "text", text: "Ticket" }] };
    const request = { kind: "openai-chat", body: { model: "m", messages: [system, asked], max_tokens: 5 } } as const;
    expect(repairRequest(request, says("{}"), REASON)).toEqual({
      kind: "openai-chat",
      body: {
        model: "m",
        max_tokens: 5,
        messages: [
          system,
          asked,
          { role: "assistant", content: "{}" },
          { role: "user", content: expect.stringContaining(REASON) as unknown },
        ],
      },
    });
    expect(request.body.messages).toHaveLength(2);
  });

  it("sends no empty message, which no vendor takes", () => {
    const request = { kind: "prompt", messages: [{ role: "user", content: "Ticket" }] } as const;
    expect(repairRequest(request, says(" \n"), REASON)).toMatchObject({
      messages: [{}, { role: "assistant", content: "(no answer)" }, {}],
    });
  });
});
