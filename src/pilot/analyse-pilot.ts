// Makes the report of a pilot: measures models and cascades on the sample and chooses a route. Pure: the same answers, the same report.

import type { ModelId } from "../job/names.ts";
import type { Step } from "../job/task.ts";
import { longerCandidates } from "./candidates.ts";
import { choose, isAcceptable, LEAST_SAVING, OFFERING, RECOMMENDING, riskOf } from "./choose.ts";
import { contend, contendWith, holding, restate, type Contender, type Holding } from "./contenders.ts";
import { explainChoice } from "./explain-choice.ts";
import { mixedQuality, mixingLine } from "./hull.ts";
import { measureRoute } from "./measure.ts";
import {
  LOWERED_BY,
  type Choice,
  type MeasuredCascade,
  type MeasuredModel,
  type PilotInput,
  type PilotReport,
  type Rate,
  type Saving,
} from "./pilot.ts";
import { columnOf, replay } from "./replay.ts";
import { createSample, type Column, type Sample } from "./sample.ts";

export function analysePilot(input: PilotInput): PilotReport {
  const sample = createSample(input);
  const { basis, rows, leftOutRows, leftOutModels } = sample;
  const common = { basis, rows, leftOutRows, leftOutModels, ...(input.floor === undefined ? {} : { floor: input.floor }) };
  const best = bestSingle(sample);
  if (!best) return withReasons({ ...common, ...NOTHING });

  const models = sample.columns.map((column): MeasuredModel => {
    const steps = [{ models: [column.id] }];
    const { id: model, provider, passRate } = column;
    return { model, provider, passRate, ...measureRoute(steps, replay(sample, steps), best) };
  });
  const held = holding(sample, best, input.floor);
  const contenders = contend(sample, best, held);
  const recommended = recommend(sample, best, held, contenders);
  const lower: Holding = { ...held, offset: held.offset - LOWERED_BY };
  const lowered = choose(restate(recommended, lower), contend(sample, best, lower), OFFERING);

  const chosen = describe(sample, best, recommended);
  const saving = (key: "lowered" | "nearest", contender: Contender | undefined): { [name in typeof key]?: Saving } =>
    contender ? { [key]: { ...describe(sample, best, contender), savedShare: 1 - contender.costNanoUsd / recommended.costNanoUsd } } : {};
  const mixing = mixingLine(models);
  const cascades = [...contenders, recommended].filter(({ candidate }) => candidate);
  const shown = undominated(cascades)
    .map((contender): MeasuredCascade => {
      const choice = describe(sample, best, contender);
      const mixed = mixedQuality(mixing, choice.costNanoUsd);
      const isAboveMixing = mixed === undefined || choice.quality > mixed;
      return { ...choice, isAcceptable: isAcceptable(contender, RECOMMENDING), isAboveMixing };
    })
    .filter((cascade) => cascade.isAcceptable || cascade.isAboveMixing);
  return withReasons({
    ...common,
    models,
    best: models.find(({ model }) => model === best.id)!,
    cascadesTried: contenders.filter(({ candidate }) => candidate).length,
    cascadesAcceptable: contenders.filter((contender) => contender.candidate && isAcceptable(contender, RECOMMENDING)).length,
    cascades: shown,
    mixing,
    hull: mixingLine([...models, ...shown]),
    recommended: chosen,
    ...(lowered.steps === recommended.steps ? saving("nearest", nearest(contenders, recommended)) : saving("lowered", lowered)),
    baseline: baselineOf(sample, recommended.steps),
  });
}

const NOTHING = {
  models: [],
  cascadesTried: 0,
  cascadesAcceptable: 0,
  cascades: [],
  mixing: [],
  hull: [],
  baseline: { passRates: {}, agreements: {} },
};

function withReasons(report: Omit<PilotReport, "reasons">): PilotReport {
  return { ...report, reasons: explainChoice(report) };
}

function bestSingle({ columns }: Sample): Column | undefined {
  return columns.toSorted((a, b) => b.quality - a.quality || a.meanCostNanoUsd - b.meanCostNanoUsd)[0];
}

function recommend(sample: Sample, best: Column, held: Holding, contenders: readonly Contender[]): Contender {
  const alone = contenders.find(({ steps, candidate }) => !candidate && steps[0]!.models[0] === best.id)!;
  const short = choose(alone, contenders, RECOMMENDING);
  if (!short.candidate) return short;
  return choose(short, contendWith(sample, best, held, longerCandidates(sample, short.candidate)), RECOMMENDING);
}

function nearest(contenders: readonly Contender[], { costNanoUsd }: Contender): Contender | undefined {
  const cheaper = contenders.filter((contender) => contender.costNanoUsd <= (1 - LEAST_SAVING) * costNanoUsd);
  return cheaper.toSorted((a, b) => b.gap.mean - a.gap.mean)[0];
}

function describe(sample: Sample, best: Column, { steps, toBest, gap }: Contender): Choice {
  const measured = measureRoute(steps, replay(sample, steps), best);
  return { ...measured, expectedToBest: toBest.mean, risk: riskOf(gap), costShare: measured.costNanoUsd / best.meanCostNanoUsd };
}

/** Without those that another one beats in cost and in expected quality; cheapest first. */
function undominated(contenders: readonly Contender[]): readonly Contender[] {
  const kept: Contender[] = [];
  for (const contender of contenders.toSorted((a, b) => a.costNanoUsd - b.costNanoUsd || b.toBest.mean - a.toBest.mean)) {
    if (contender.toBest.mean > (kept.at(-1)?.toBest.mean ?? -Infinity)) kept.push(contender);
  }
  return kept;
}

/** On the rows that come to each step: those that reach the last model are the hard ones, and will be later. */
function baselineOf(sample: Sample, steps: readonly Step[]): PilotReport["baseline"] {
  const { settledBy } = replay(sample, steps);
  const passRates: Record<ModelId, Rate> = {};
  const agreements: Record<string, Rate> = {};
  for (const [index, { models }] of steps.entries()) {
    const came = Array.from(settledBy.keys()).filter((row) => settledBy[row]! < 0 || settledBy[row]! >= index);
    const rate = (holds: (row: number) => boolean): Rate => ({
      rate: came.length === 0 ? 1 : came.filter(holds).length / came.length,
      of: came.length,
    });
    for (const model of models) passRates[model] ??= rate((row) => columnOf(sample, model).hasPassed[row] === 1);
    if (models.length > 1) agreements[models.join("+")] = rate((row) => settledBy[row] === index);
  }
  return { passRates, agreements };
}
