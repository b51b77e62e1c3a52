// Puts together where each model's answers come from: its own recording and answer key, else its vendor's, else the simulator's. Files are read once.

import { loadAnswerKey } from "./answer-key.ts";
import { firstOf, type AnswerSource } from "./answer-source.ts";
import { withFlaws } from "./flaws.ts";
import { loadRecording } from "./recording.ts";
import { createSchemaSource, createTextSource } from "./schema-answer.ts";
import type { AnswerKeyOptions, SimulatorOptions } from "./simulator-options.ts";

/** Sources by vendor and model. Throws a `UsageError` for files that can't be read. */
export function loadAnswerSources(options: SimulatorOptions): Readonly<Record<string, Readonly<Record<string, AnswerSource>>>> {
  const { seed } = options;
  const recording = once((files: readonly string[]) => loadRecording(files).source);
  const answerKey = once((key: AnswerKeyOptions) => loadAnswerKey(key, seed));
  const schema = createSchemaSource(seed);
  const text = createTextSource();

  return mapValues(options.vendors, (vendor) =>
    mapValues(vendor.models, (model) => {
      const recorded = model.recording ?? vendor.recording ?? options.recording;
      const key = model.answers ?? vendor.answers ?? options.answers;
      const source = firstOf([...(recorded ? [recording(recorded)] : []), ...(key ? [answerKey(key)] : []), schema, text]);
      return model.flaws ? withFlaws(source, model.flaws, seed) : source;
    }),
  );
}

function once<Argument, Result>(make: (argument: Argument) => Result): (argument: Argument) => Result {
  const made = new Map<string, Result>();
  return (argument) => {
    const key = JSON.stringify(argument);
    const found = made.get(key) ?? make(argument);
    made.set(key, found);
    return found;
  };
}

function mapValues<Value, Mapped>(record: Readonly<Record<string, Value>>, map: (value: Value) => Mapped): Record<string, Mapped> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
