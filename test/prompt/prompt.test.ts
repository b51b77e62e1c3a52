import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/job/errors.ts";
import type { Job } from "../../src/job/job.ts";
import type { TaskSpec } from "../../src/job/task.ts";
import { promptOptions } from "../../src/prompt/prompt-options.ts";
import { createPrompt } from "../../src/prompt/prompt.ts";

const task = (prompt: TaskSpec["prompt"] | undefined, extra: Partial<TaskSpec> = {}): TaskSpec => ({
  name: "classify",
  ...(prompt ? { prompt } : {}),
  route: { strategy: { kind: "ordered" }, steps: [], fallback: [], quality: {} },
  checks: [],
  attempts: 4,
  timeoutMs: 60_000,
  patienceMs: 60_000,
  onRefusal: "fail",
  ...extra,
});
const job = (input: Job["input"], extra: Partial<Job> = {}): Job => ({ batch: "b", row: 0, task: "classify", input, ...extra });
const render = (user: string, input: Job["input"], extra: Partial<Job> = {}) => {
  const made = createPrompt(task({ user })).request(job(input, extra));
  if (made.kind === "invalid") return made.reason;
  return made.request.kind === "prompt" ? made.request.messages[0]?.content : undefined;
};

describe("a prompt", () => {
  it("renders system and user over the row, with the task's settings", () => {
    const output = { type: "object" };
    const spec = task({ system: "Row {{ id }}.", user: "Ticket: {{ input.text }}" }, { output, maxOutputTokens: 50, temperature: 0 });
    expect(createPrompt(spec).request(job({ text: "late" }, { id: "t-1" }))).toEqual({
      kind: "request",
      request: {
        kind: "prompt",
        system: "Row t-1.",
        messages: [{ role: "user", content: "Ticket: late" }],
        output,
        maxOutputTokens: 50,
        temperature: 0,
      },
    });
  });

  it("puts values in as they are, objects and lists as JSON", () => {
    expect(
      render("{{ input.a }} {{ input.b }} {{ input.c }} {{ input.d }}|", { a: `<b>"&'`, b: { x: [1] }, c: ["é", { y: null }], d: null }),
    ).toBe(`<b>"&' {"x":[1]} ["é",{"y":null}] |`);
  });

  it("knows loops, conditions and filters", () => {
    const text = "{% for t in input.tags %}{{ forloop.index }}.{{ t | upcase }} {% endfor %}{% if input.vip %}VIP{% endif %}";
    expect(render(text, { tags: ["a", "b"], vip: true })).toBe("1.A 2.B VIP");
  });

  it("names a variable that the row lacks", () => {
    expect(render("Hi {{ input.name }}", {})).toBe("prompt.user of task classify: undefined variable: input.name");
    expect(render("Hi {{ id }}", {})).toBe("prompt.user of task classify: undefined variable: id");
  });

  it("does not see what objects inherit", () => {
    expect(render("{{ input.constructor }}", {})).toContain("undefined variable: input.constructor");
  });

  it("lets conditions and defaults ask for what the row may lack", () => {
    expect(render("{% if input.name %}x{% else %}y{% endif %} {{ input.name | default: 'you' }}", {})).toBe("y you");
  });

  it("that comes out empty is invalid", () => expect(render("{{ input.text }}", { text: " " })).toContain("is empty for this row"));

  it("leaves out a system message that comes out empty", () => {
    const made = createPrompt(task({ system: "{{ input.role }}", user: "x" })).request(job({ role: "" }));
    expect(made).toEqual({ kind: "request", request: { kind: "prompt", messages: [{ role: "user", content: "x" }] } });
  });

  it("gives way to the OpenAI body of a row, and is needed without one", () => {
    const body = { messages: [] };
    expect(createPrompt(task({ user: "x" })).request(job({}, { body }))).toEqual({
      kind: "request",
      request: { kind: "openai-chat", body },
    });
    expect(createPrompt(task(undefined)).request(job({}))).toMatchObject({
      kind: "invalid",
      reason: expect.stringContaining("has no prompt"),
    });
  });

  it.each([
    ["{{ input.text", "prompt.user, line 1", "not closed"],
    ["a\n{% if %}x{% endif %}", "prompt.user, line 2", ""],
    ["a\n\n{{ input.x | shout }}", "prompt.user, line 3", "undefined filter: shout"],
    ["{{ inptu.text }}", "prompt.user, line 1", "unknown variable: inptu"],
    ["{% include 'secrets' %}", "prompt.user, line 1", 'tag "include" not found'],
  ])("with a mistake is refused before the first row: %j", (user, place, what) => {
    const make = () => createPrompt(task({ user }));
    expect(make).toThrow(UsageError);
    expect(make).toThrow(`task classify: ${place}`);
    expect(make).toThrow(what);
  });
});

describe("prompt options", () => {
  it("need a user template and take a system one", () => {
    expect(promptOptions.safeParse({ user: "x" }).success).toBe(true);
    for (const wrong of [{}, { user: "" }, { system: "x" }, { user: "x", assistant: "y" }])
      expect(promptOptions.safeParse(wrong).success).toBe(false);
  });
});
