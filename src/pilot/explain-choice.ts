// Why the pilot recommends what it recommends, in sentences.

import { MARGIN } from "./choose.ts";
import { describeRoute, percent, points, shortName, usdPerThousand } from "./describe-route.ts";
import { LOWERED_BY, type Choice, type Interval, type MeasuredModel, type PilotReport } from "./pilot.ts";

type Unexplained = Omit<PilotReport, "reasons">;

/** With fewer rows than this, not even a cascade that is as good can show it. */
const FEW_ROWS = 100;

export function explainChoice(report: Unexplained): readonly string[] {
  const { best, recommended } = report;
  if (!best || !recommended) {
    return ["Nothing can be recommended: no model is left to compare.", ...leftOut(report)];
  }
  return [
    ...basis(report),
    ...leftOut(report),
    `The best single model of the sample is ${shortName(best.model)}: ${percent(best.quality)} right (${range(best.interval)}) at ${cost(best)}.`,
    ...recommendation(report, best, recommended),
    ...offer(report),
    ...(report.rows < FEW_ROWS
      ? [`${report.rows} rows tell little: on 200 or more a cheaper route has a better chance to show that it is as good.`]
      : []),
  ];
}

function basis({ basis, rows }: Unexplained): readonly string[] {
  switch (basis) {
    case "gold":
      return [];
    case "judge":
      return ["Quality is a judge's verdict, not gold labels: where the judge errs, so do these figures."];
    case "agreement":
      return [
        `Without gold labels, an answer to one of the ${rows} rows counts as right when it is the one that the models together hold likeliest. ` +
          "That measures agreement, not truth: mistakes that models share count as right, which flatters cascades built on agreement.",
      ];
  }
}

function leftOut({ leftOutModels, leftOutRows }: Unexplained): readonly string[] {
  return [
    ...leftOutModels.map(({ model, reason }) => `${model} is left out: ${reason}.`),
    ...(leftOutRows > 0 ? [`${leftOutRows} rows are left out: not every model answered them, or nothing says what is right.`] : []),
  ];
}

function recommendation(report: Unexplained, best: MeasuredModel, recommended: Choice): readonly string[] {
  const { floor, cascadesTried, cascadesAcceptable } = report;
  const held = floor === undefined ? `${shortName(best.model)}'s quality` : `a quality of ${percent(floor)}`;
  const margin = (100 * MARGIN).toFixed(1);
  const isBestAlone = recommended.steps.length === 1 && recommended.steps[0]!.models[0] === best.model;
  if (!isBestAlone) {
    return [
      `Recommended: ${describeRoute(recommended.steps)}, at ${cost(recommended)}, ${percent(recommended.costShare)} of ${shortName(best.model)}'s cost.`,
      expectation(recommended),
      `It is the cheapest route expected to hold ${held}, with a probability of ${probability(recommended.risk)} of lying more than ${margin} ` +
        `points below; ${cascadesAcceptable} of ${cascadesTried} cascades pass that test.`,
    ];
  }
  const why =
    floor !== undefined && recommended.risk > 0.025
      ? `No route is sure to hold ${held} on this sample; it comes nearest.`
      : `No cheaper route is expected to hold ${held}${cascadesTried > 0 ? `, of ${cascadesTried} cascades tried` : ""}.`;
  return [`Recommended: ${shortName(best.model)} alone. ${why}`];
}

function offer({ lowered, nearest }: Unexplained): readonly string[] {
  const less = `A quality ${(100 * LOWERED_BY).toFixed(1)} points lower would save`;
  if (lowered) {
    return [
      `${less} another ${percent(lowered.savedShare)}: ${describeRoute(lowered.steps)}, at ${cost(lowered)}. ${expectation(lowered)}`,
    ];
  }
  if (!nearest) return [];
  return [
    `${less} nothing worth it. Nearest of what is clearly cheaper: ${describeRoute(nearest.steps)}, at ${cost(nearest)} ` +
      `(${percent(nearest.savedShare)} less). ${expectation(nearest)}`,
  ];
}

function expectation({ expectedToBest, toBest }: Choice): string {
  return (
    `Expected against the best single model: ${points(expectedToBest)} points ` +
    `(in the sample ${points(toBest.mean)}, paired 95 % interval ${points(toBest.interval.low)} to ${points(toBest.interval.high)}).`
  );
}

function cost({ costNanoUsd }: Pick<Choice, "costNanoUsd">): string {
  return `${usdPerThousand(costNanoUsd)} per 1,000 jobs`;
}

function range({ low, high }: Interval): string {
  return `95 % interval ${(100 * low).toFixed(1)} to ${percent(high)}`;
}

function probability(risk: number): string {
  return risk < 0.001 ? "less than 0.1 %" : percent(risk);
}
