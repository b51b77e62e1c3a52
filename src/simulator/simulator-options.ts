// The simulator's options: which vendors it plays, with what limits, prices, latencies and answers.

import { z } from "zod";

import { UsageError } from "../job/errors.ts";
import { NAME_PATTERN } from "../job/names.ts";
import { flawOptions } from "./flaws.ts";

const tokensPerMinute = z.number().positive();
const share = z.number().min(0).max(1);

const concurrency = z.int().positive().optional();
const openaiLimits = z.strictObject({ rpm: z.number().positive().optional(), tpm: tokensPerMinute.optional(), concurrency });
const anthropicLimits = z.strictObject({
  rpm: z.number().positive().optional(),
  itpm: tokensPerMinute.optional(),
  otpm: tokensPerMinute.optional(),
  concurrency,
});

const dollarsPerMillion = z
  .number()
  .nonnegative()
  .refine((dollars) => Math.abs(dollars * 1e6 - Math.round(dollars * 1e6)) < 1e-4, {
    error: "finer than a millionth of a dollar per million tokens: prices are whole pico-dollars per token",
  });

const price = z.strictObject({
  input: dollarsPerMillion,
  output: dollarsPerMillion,
  cachedInput: dollarsPerMillion.optional(),
  cacheWrite: dollarsPerMillion.optional(),
});

const latency = z
  .strictObject({
    /** Fixed part, and the width of a uniform one on top. */
    baseMs: z.number().nonnegative().default(0),
    jitterMs: z.number().nonnegative().default(0),
    /** Log-normal instead: its median, and sigma of the logarithm. */
    medianMs: z.number().positive().optional(),
    sigma: z.number().nonnegative().default(0.5),
    perOutputTokenMs: z.number().nonnegative().default(0),
  })
  .refine((options) => options.medianMs === undefined || (options.baseMs === 0 && options.jitterMs === 0), {
    error: "give either baseMs and jitterMs, or medianMs and sigma",
  });

const answerKey = z
  .strictObject({
    /** JSONL, one object a line. */
    file: z.string().min(1).optional(),
    /** The same in place. */
    entries: z.array(z.record(z.string(), z.unknown())).optional(),
    /** The field whose text appears in the user message. */
    textField: z.string().min(1).default("text"),
    /** The field with the right answer. */
    answerField: z.string().min(1).default("label"),
    /** The property of the requested JSON schema that takes the answer; absent: the schema's only string, else one named like `answerField`. */
    property: z.string().min(1).optional(),
    /** What wrong answers are taken from; absent: all answers of the key. */
    labels: z.array(z.string()).optional(),
  })
  .refine((key) => (key.file === undefined) !== (key.entries === undefined), { error: "give either file or entries" });

const recording = z.union([
  z
    .string()
    .min(1)
    .transform((file) => [file]),
  z.array(z.string().min(1)),
]);
const answers = { recording: recording.optional(), answers: answerKey.optional() };

const modelBase = {
  ...answers,
  price: price.optional(),
  latency: latency.optional(),
  /** Share of right answers, of those an answer key knows. */
  accuracy: share.default(1),
  /** Shares of answers in an ugly form, right or wrong, where JSON is asked for. */
  flaws: flawOptions.optional(),
  contextWindow: z.int().positive().default(200_000),
  maxOutputTokens: z.int().positive().optional(),
  /** Share of the input told (and priced) as read from the prompt cache. */
  cachedShare: share.default(0),
  /** Share of the input told (and priced) as written to the cache; Anthropic only. */
  cacheWriteShare: share.default(0),
  /** Reasoning tokens of each call, part of its output. */
  reasoningTokens: z.int().nonnegative().default(0),
  /** The model's name in recordings, where it differs. */
  recordedAs: z.string().min(1).optional(),
};

const vendorBase = {
  ...answers,
  /** The only key accepted; absent: any, or none. */
  apiKey: z.string().min(1).optional(),
  /** What each bucket holds when full, in seconds of its rate. */
  burstSeconds: z.number().positive().default(1),
  latency: latency.optional(),
};

function modelsOf<Limits extends z.ZodType>(limits: Limits) {
  const models = z.record(z.string().min(1), z.strictObject({ ...modelBase, limits: limits.optional() }));
  return models.refine((found) => Object.keys(found).length > 0, { error: "a vendor needs at least one model" });
}

const vendor = z.discriminatedUnion("kind", [
  z.strictObject({ ...vendorBase, kind: z.literal("openai"), limits: openaiLimits.optional(), models: modelsOf(openaiLimits) }),
  /** Any server that copies OpenAI's format: no rate-limit headers. */
  z.strictObject({ ...vendorBase, kind: z.literal("openai-compatible"), limits: openaiLimits.optional(), models: modelsOf(openaiLimits) }),
  z.strictObject({
    ...vendorBase,
    kind: z.literal("anthropic"),
    limits: anthropicLimits.optional(),
    models: modelsOf(anthropicLimits),
    /** When output tokens leave their bucket: as produced, or reserved by `max_tokens` up front as documented until 2025. */
    outputCharging: z.enum(["produced", "reserved"]).default("produced"),
  }),
]);

export const simulatorOptions = z.strictObject({
  ...answers,
  host: z.string().min(1).default("127.0.0.1"),
  /** 0: any free port. */
  port: z.int().min(0).max(65_535).default(4010),
  /** Chance repeats with the same seed. */
  seed: z.int().default(1),
  /** Keeps one entry per call in the ledger: memory grows with every call. */
  callLog: z.boolean().default(false),
  vendors: z
    .record(z.string().regex(NAME_PATTERN, { error: "a vendor's name is lower case letters, digits, - and _, at most 64" }), vendor)
    .refine((vendors) => Object.keys(vendors).length > 0, { error: "the simulator needs at least one vendor" }),
});

export type SimulatorOptions = z.output<typeof simulatorOptions>;
export type SimulatorOptionsInput = z.input<typeof simulatorOptions>;
export type VendorOptions = SimulatorOptions["vendors"][string];
export type SimulatedModelOptions = VendorOptions["models"][string];
export type LatencyOptions = z.output<typeof latency>;
export type AnswerKeyOptions = z.output<typeof answerKey>;

/** Checks options as a user wrote them. Throws a `UsageError` that lists every problem with its path. */
export function parseSimulatorOptions(value: unknown, where = "the simulator's options"): SimulatorOptions {
  const parsed = simulatorOptions.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const message = issue.code === "invalid_key" ? issue.issues.map((each) => each.message).join("; ") : issue.message;
    return `  ${issue.path.map(String).join(".") || "(top)"}: ${message}`;
  });
  throw new UsageError(
    `${where}: ${problems.length === 1 ? "1 problem" : `${problems.length} problems`}\n${problems.join("\n")}`,
    "docs/simulator.md lists every option.",
  );
}
