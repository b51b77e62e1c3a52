// The fleet as Prometheus reads it (text format 0.0.4, https://prometheus.io/docs/instrumenting/exposition_formats/).

import type { CallTotals } from "../../src/cost/call-totals.ts";
import type { CombinationTotals } from "../../src/cost/redis-live-totals.ts";
import type { BatchState } from "../../src/job/batch.ts";
import { isOver } from "../../src/job/batch.ts";
import type { BreakerState } from "../../src/breaker/breaker.ts";
import { shareOf } from "../../src/limits/limit-use.ts";
import type { FleetStatus } from "../../queues/fleet-status.ts";
import { heldMs } from "../../queues/model-status.ts";

export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

interface Metric {
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly help: string;
  readonly samples: readonly Sample[];
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

const BATCH_STATES: readonly BatchState[] = ["open", "sealed", "finalizing", "finished", "cancelled"];
const BREAKER_VALUES: Record<BreakerState["kind"], number> = { closed: 0, "half-open": 0.5, open: 1 };

/** Tenants that are not told apart, for there were too many. */
const OTHER_TENANTS = "(others)";
const TOKEN_KINDS = { input: "inputTokens", cached_input: "cachedInputTokens", output: "outputTokens" } as const;

/** Only live batches have samples of their own, so that their number stays bounded. `counters`: what calls came to over the fleet's life. */
export function renderMetrics(status: FleetStatus, counters: readonly CombinationTotals[]): string {
  const live = status.batches.filter((batch) => !isOver(batch.state));
  const configured = status.models.filter((model) => model.isConfigured);
  const answering = status.work.filter(({ purpose }) => purpose !== "agreement");
  const metrics: readonly Metric[] = [
    {
      name: "modelfleet_batches",
      type: "gauge",
      help: "Batches known to Redis, by state.",
      samples: BATCH_STATES.map((state) => [{ state }, status.batches.filter((batch) => batch.state === state).length]),
    },
    {
      name: "modelfleet_rows_total",
      type: "counter",
      help: "Rows of live batches that have a result.",
      samples: live.flatMap(({ batch, answered, failed }): Sample[] => [
        [{ batch, status: "answered" }, answered],
        [{ batch, status: "failed" }, failed],
      ]),
    },
    {
      name: "modelfleet_rows_enqueued",
      type: "gauge",
      help: "Rows of live batches that have entered the queues.",
      samples: live.map(({ batch, cursor }) => [{ batch }, cursor]),
    },
    {
      name: "modelfleet_queue_jobs",
      type: "gauge",
      help: "Jobs in each queue, by state. Dead letters are `failed`.",
      samples: status.queues.flatMap(({ title: queue, waiting, active, delayed, failed }): Sample[] =>
        Object.entries({ waiting, active, delayed, failed }).map(([state, count]) => [{ queue, state }, count]),
      ),
    },
    {
      name: "modelfleet_breaker_open",
      type: "gauge",
      help: "1 while the breaker of the model or of its provider is open, 0.5 half-open, 0 closed.",
      samples: configured.map(({ model, breaker }) => [{ model }, BREAKER_VALUES[breaker.kind]]),
    },
    {
      name: "modelfleet_limit_use_ratio",
      type: "gauge",
      help: "Share of a limit that is taken, an average over some seconds (rpd: of the day's requests). Of limits on the same dimension, the tightest.",
      samples: configured.flatMap(({ model, use }) =>
        use.dimensions.map((each): Sample => [{ model, dimension: each.dimension }, shareOf(each)]),
      ),
    },
    {
      name: "modelfleet_calls_in_flight",
      type: "gauge",
      help: "Calls that have their permit and have not ended.",
      samples: configured.map(({ model, use }) => [{ model }, use.inFlight]),
    },
    {
      name: "modelfleet_slots",
      type: "gauge",
      help: "Calls that the pools have in hand at most, those that wait for their permit included.",
      samples: configured.map(({ model, slots }) => [{ model }, slots]),
    },
    {
      name: "modelfleet_model_held_seconds",
      type: "gauge",
      help: "For how long the vendor's word still holds the model; 0: not at all.",
      samples: configured.map((model) => [{ model: model.model }, heldMs(model, status.at) / 1_000]),
    },
    {
      name: "modelfleet_pace_per_minute",
      type: "gauge",
      help: "Calls per minute, learned from refusals, of models that they slow down.",
      samples: configured.flatMap(({ model, use }): Sample[] => (use.pacePerMinute === undefined ? [] : [[{ model }, use.pacePerMinute]])),
    },
    {
      name: "modelfleet_answer_ratio",
      type: "gauge",
      help: "Share of a model's calls for a task that brought an answer, of late.",
      samples: answering.map(({ task, model, purpose, stats }) => [{ task, model, purpose }, stats.answerRate]),
    },
    {
      name: "modelfleet_check_pass_ratio",
      type: "gauge",
      help: "Share of a model's answers to a task that passed their checks, of late; for agreements, the share of agreement.",
      samples: status.work.map(({ task, model, purpose, stats }) => [{ task, model, purpose }, stats.passRate]),
    },
    {
      name: "modelfleet_call_latency_seconds",
      type: "gauge",
      help: "Latency of a model's answers to a task, of late.",
      samples: answering.flatMap(({ task, model, purpose, stats }): Sample[] =>
        (["p50Ms", "p95Ms"] as const).flatMap((name): Sample[] =>
          stats[name] === undefined ? [] : [[{ task, model, purpose, quantile: name === "p50Ms" ? "0.5" : "0.95" }, stats[name] / 1_000]],
        ),
      ),
    },
    {
      name: "modelfleet_drift",
      type: "gauge",
      help: "1 where answers have fallen off from what the pilot saw.",
      samples: status.work.map(({ task, model, purpose, fallenFrom }) => [{ task, model, purpose }, fallenFrom === undefined ? 0 : 1]),
    },
    {
      name: "modelfleet_calls_total",
      type: "counter",
      help: "Calls made over the fleet's life, as far as their results are stored.",
      samples: counted(counters, ({ calls }) => calls),
    },
    {
      name: "modelfleet_cost_usd_total",
      type: "counter",
      help: "Cost of the calls in dollars. Models without a configured price count as zero.",
      samples: counted(counters, ({ costNanoUsd }) => costNanoUsd / 1e9),
    },
    {
      name: "modelfleet_tokens_total",
      type: "counter",
      help: "Tokens of the calls: the whole input, what of it was read from the vendor's cache, and the output.",
      samples: Object.entries(TOKEN_KINDS).flatMap(([kind, name]) => counted(counters, (totals) => totals[name], { kind })),
    },
    {
      name: "modelfleet_duplicate_calls_total",
      type: "counter",
      help: "Calls that may have been paid twice: cut off with their process, on the way, or by their time limit.",
      samples: counted(counters, ({ duplicateCalls }) => duplicateCalls),
    },
    {
      name: "modelfleet_processes",
      type: "gauge",
      help: "Processes heard of in the last seconds, by role.",
      samples: [...countBy(status.processes.flatMap((each) => each.roles))].map(([role, count]) => [{ role }, count]),
    },
  ];
  return metrics.map(render).join("");
}

function counted(
  counters: readonly CombinationTotals[],
  valueOf: (totals: CallTotals) => number,
  labels: Readonly<Record<string, string>> = {},
): readonly Sample[] {
  return counters.map((each): Sample => {
    const { task, model, mixed } = each;
    const tenant = mixed === "tenants" ? OTHER_TENANTS : each.tenant;
    return [{ task, model, ...(tenant === undefined ? {} : { tenant }), ...labels }, valueOf(each)];
  });
}

function render({ name, type, help, samples }: Metric): string {
  const lines = samples.map(([labels, value]) => `${name}${renderLabels(labels)} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ""].join("\n");
}

function renderLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(
    ([label, value]) => `${label}="${value.replaceAll(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`))}"`,
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function countBy(values: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
