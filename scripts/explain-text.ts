// A routing decision as text for the terminal: it fits 120 columns; reasons, which may be long, stand on lines of their own.

import type { Step } from "../src/job/task.ts";
import { formatCount, formatDuration, formatUsd } from "../src/report/format.ts";
import type { Binding } from "../src/routing/bind.ts";
import type { ExplainedModel, RouteExplanation } from "../src/routing/explain-route.ts";
import { table } from "./table.ts";

const NOTHING = "–";
/** Of faded calls less than half a one is none. */
const LEAST_CALLS = 0.5;

export function renderExplanation(explained: RouteExplanation): string {
  const filtered = explained.models.filter(({ whyUnable }) => whyUnable !== undefined);
  return [
    describeJob(explained),
    modelTable(explained.models),
    filtered.length === 0
      ? "no model is filtered out\n"
      : `filtered out:\n${filtered.map(({ model, role, whyUnable }) => `  ${model}${role === "route" ? "" : ` as ${role}`}: ${whyUnable}\n`).join("")}`,
    ...(explained.order.length === 0 ? [] : [orderTable(explained)]),
    describeBinding(explained.binding),
  ].join("\n");
}

function describeJob({ task, strategy, analysis, needs, dataClass, allow, deny }: RouteExplanation): string {
  const capabilities = [needs.jsonSchema ? "a JSON schema" : "", needs.images ? "images" : "", needs.tools ? "tools" : ""].filter(Boolean);
  const tokens = `about ${formatCount(needs.inputTokens)} tokens in, up to ${formatCount(needs.outputTokens)} out`;
  const lines: readonly (readonly [string, string])[] = [
    ["task", `${task}, strategy ${strategy}`],
    ["complexity", `${analysis.complexity.toFixed(2)}${analysis.language === undefined ? "" : `, language ${analysis.language}`}`],
    ...analysis.reasons.map((reason) => ["", reason] as const),
    ["needs", [tokens, ...capabilities].join(", ")],
    ["data class", dataClass ?? "none: no rule applies"],
    ...(allow ? [["allows", allow.join(", ")] as const] : []),
    ...(deny ? [["denies", deny.join(", ")] as const] : []),
  ];
  return lines.map(([name, value]) => `${name.padEnd(12)}${value}\n`).join("");
}

function modelTable(models: readonly ExplainedModel[]): string {
  const head = ["model", "for", "now", "wait", "calls", "answered", "passed", "p50", "p95", "tokens out"];
  const rows = models.map(({ model, role, whyUnable, availability, expectedWaitMs, isDemoted, stats }) => {
    const { calls, answerRate, passRate, p50Ms, p95Ms, outputTokens } = stats;
    const isSeen = calls >= LEAST_CALLS;
    const now = availability.kind === "available" ? "free" : availability.kind;
    return [
      model,
      role,
      whyUnable === undefined ? `${now}${isDemoted ? ", demoted" : ""}` : "filtered",
      formatWait(expectedWaitMs),
      isSeen ? formatCount(calls) : NOTHING,
      isSeen ? formatPercent(answerRate) : NOTHING,
      isSeen ? formatPercent(passRate) : NOTHING,
      p50Ms === undefined ? NOTHING : formatDuration(p50Ms),
      p95Ms === undefined ? NOTHING : formatDuration(p95Ms),
      outputTokens === undefined ? NOTHING : formatCount(outputTokens),
    ];
  });
  return table(head, rows);
}

function orderTable({ order }: RouteExplanation): string {
  const head = ["", "step", "quality", "cost", "latency", "wait", "why there"];
  const rows = order.map(({ step, scores, why }, i) => [
    String(i + 1),
    nameOf(step),
    scores.quality.toFixed(3),
    Number.isFinite(scores.costNanoUsd) ? formatUsd(scores.costNanoUsd) : "no price",
    formatDuration(scores.latencyMs),
    formatWait(scores.waitMs),
    why,
  ]);
  return table(head, rows);
}

function describeBinding(binding: Binding): string {
  switch (binding.kind) {
    case "bound":
      return `now it would go to ${nameOf(binding.step)}\n`;
    case "wait":
      return `now it would wait:\n${indented(binding.reasons)}`;
    case "skipped":
      return `nobody can do what comes first, which would be left out:\n${indented(binding.reasons)}`;
    case "dead":
      return `no model can take it, it would end as an error (${binding.code}):\n${indented(binding.reasons)}`;
    default:
      return binding satisfies never;
  }
}

/** `a/1`, or `a/1 + b/2 agree on label`. */
function nameOf({ models, agree }: Step): string {
  if (!agree) return models.join(" + ");
  const need = agree.need === undefined || agree.need === models.length ? "" : `${agree.need} of `;
  return `${need}${models.join(" + ")} agree${agree.on ? ` on ${agree.on.join(", ")}` : ""}`;
}

function formatWait(ms: number): string {
  if (ms === 0) return NOTHING;
  return Number.isFinite(ms) ? formatDuration(ms) : "not known";
}

function formatPercent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}\n`).join("");
}
