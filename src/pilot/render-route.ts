// The recommended route as YAML, to be put into a task: the route, what is known of its models' quality, and what drift is held against.

import { Document, isMap, visit } from "yaml";
import { describeRoute } from "./describe-route.ts";
import type { PilotReport } from "./pilot.ts";

export interface RouteOptions {
  /** The fields of the answers that were compared; absent: the whole answers. */
  readonly on?: string | readonly string[];
}

/** Empty where nothing is recommended. Ends in a line end. */
export function renderRoute(report: PilotReport, { on }: RouteOptions = {}): string {
  const { recommended, models, baseline } = report;
  if (!recommended) return "";
  const used = new Set(recommended.steps.flatMap((step) => step.models));
  const route = recommended.steps.map(({ models, agree }) =>
    models.length === 1
      ? models[0]
      : { agree: models, ...(on === undefined ? {} : { on }), ...(agree?.need === undefined ? {} : { need: agree.need }) },
  );
  const quality = Object.fromEntries(models.filter(({ model }) => used.has(model)).map((model) => [model.model, short(model.quality)]));
  const drift = {
    passRates: shortRates(baseline.passRates),
    ...(Object.keys(baseline.agreements).length > 0 ? { agreements: shortRates(baseline.agreements) } : {}),
  };
  const document = new Document({ route: { models: route, quality }, drift });
  document.commentBefore = ` From a pilot on ${report.rows} rows (basis: ${report.basis}): ${describeRoute(recommended.steps)}`;
  // The innermost maps on one line each.
  visit(document, {
    Map(key, node) {
      const isInner = node.items.every(({ value }) => !isMap(value));
      if (key !== null && isInner && (node.has("agree") || node.has("of"))) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function shortRates(rates: Readonly<Record<string, { rate: number; of: number }>>): Record<string, { rate: number; of: number }> {
  // A step that no row of the sample reached says nothing.
  const known = Object.entries(rates).filter(([, { of }]) => of > 0);
  return Object.fromEntries(known.map(([key, { rate, of }]) => [key, { rate: short(rate), of }]));
}

function short(share: number): number {
  return Math.round(share * 10_000) / 10_000;
}
