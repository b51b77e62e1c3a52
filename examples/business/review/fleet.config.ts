// Code review: small changes are read by two cheap models of two vendors, whose verdict counts where they agree; larger ones, and those that they see
// differently, by a strong one. A review that quotes code which isn't in the change is thrown away.
//
//   modelfleet simulator --config examples/business/simulator.yaml
//   OPENAI_API_KEY=simulated ANTHROPIC_API_KEY=simulated modelfleet run examples/business/review/changes.jsonl --task review-change \
//     -o reviews.jsonl --config examples/business/review/fleet.config.ts
//
// Against the vendors themselves: real keys, OPENAI_BASE_URL=https://api.openai.com/v1, ANTHROPIC_BASE_URL=https://api.anthropic.com, and your account's limits.

// Outside this repository: import type { FleetOptions } from "modelfleet";
import type { FleetOptions } from "../../../queues/public.ts";

interface Review {
  readonly verdict: "approve" | "changes";
  readonly findings: readonly { readonly quote: string; readonly severity: "blocking" | "minor" }[];
}

/** What a check is given: the answer's text, its JSON, and the row. */
interface Checked {
  readonly json?: unknown;
  readonly input: unknown;
}

function quotesTheChange({ json, input }: Checked): true | string {
  const { diff } = input as { readonly diff: string };
  const made = (json as Review).findings.find(({ quote }) => !diff.includes(quote));
  return made === undefined || `the change doesn't hold the code quoted: ${JSON.stringify(made.quote)}`;
}

function verdictFollows({ json }: Checked): true | string {
  const { verdict, findings } = json as Review;
  const isBlocked = findings.some(({ severity }) => severity === "blocking");
  return isBlocked === (verdict === "changes") || `the verdict is "${verdict}" with ${isBlocked ? "a" : "no"} blocking finding`;
}

const fleet: FleetOptions = {
  providers: {
    openai: {
      kind: "openai",
      baseUrl: "${OPENAI_BASE_URL:-http://127.0.0.1:4010/openai/v1}",
      apiKey: "${OPENAI_API_KEY}",
      models: {
        "gpt-5-mini": { tier: "fast", price: { input: 0.25, output: 2 }, limits: { rpm: 3000, tpm: 4_000_000 }, maxOutputTokens: 16_000 },
        "gpt-5": { tier: "premium", price: { input: 1.25, output: 10 }, limits: { rpm: 3000, tpm: 4_000_000 }, maxOutputTokens: 16_000 },
      },
    },
    anthropic: {
      kind: "anthropic",
      baseUrl: "${ANTHROPIC_BASE_URL:-http://127.0.0.1:4010/anthropic}",
      apiKey: "${ANTHROPIC_API_KEY}",
      models: {
        "claude-haiku-4-5": { tier: "fast", price: { input: 1, output: 5 }, limits: { rpm: 3000, itpm: 2_000_000, otpm: 400_000 } },
        "claude-sonnet-4-5": { tier: "premium", price: { input: 3, output: 15 }, limits: { rpm: 3000, itpm: 2_000_000, otpm: 400_000 } },
      },
    },
  },
  tasks: {
    "review-change": {
      prompt: {
        system: `You review changes to a shop's code. Name what is wrong, each time with the code that it is about, quoted as it stands in the change,
and the minutes that putting it right takes. "minutes" on top is their sum. The verdict is "changes" if a finding is blocking, else "approve".`,
        user: "{{ input.title }}\n\n{{ input.diff }}",
      },
      input: {
        type: "object",
        required: ["title", "diff"],
        properties: { title: { type: "string" }, diff: { type: "string", minLength: 1 } },
      },
      output: {
        type: "object",
        required: ["verdict", "findings", "minutes"],
        additionalProperties: false,
        properties: {
          verdict: { enum: ["approve", "changes"] },
          findings: {
            type: "array",
            items: {
              type: "object",
              required: ["quote", "problem", "severity", "minutes"],
              additionalProperties: false,
              properties: {
                quote: { type: "string" },
                problem: { type: "string" },
                severity: { enum: ["blocking", "minor"] },
                minutes: { type: "integer" },
              },
            },
          },
          minutes: { type: "integer" },
        },
      },
      route: {
        strategy: {
          simple: [{ agree: ["openai/gpt-5-mini", "anthropic/claude-haiku-4-5"], on: "verdict" }],
          complex: ["anthropic/claude-sonnet-4-5", "openai/gpt-5"],
          limits: { simple: 0.55 },
        },
      },
      checks: [
        { kind: "schema", onFail: "repair" },
        { kind: "arithmetic", expression: "sum(findings.minutes) == minutes", onFail: "repair" },
        { kind: "custom", check: quotesTheChange },
        { kind: "custom", check: verdictFollows },
      ],
      maxOutputTokens: 4000,
      timeout: "60s",
    },
  },
};

export default fleet;
