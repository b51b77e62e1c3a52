// The scene of the quality bench, and of its test: two cheap models of two vendors and a strong one of a third, right as often as stated and, the cheap
// ones, often enough in an ugly form; a task with one route for each way of using them; and what the stated figures come to by arithmetic.

import type { SimulatorOptionsInput } from "../src/simulator/simulator-options.ts";

interface SceneModel {
  readonly id: string;
  readonly kind: "openai" | "anthropic" | "openai-compatible";
  readonly accuracy: number;
  /** Shares of answers: readable all the same (`fenced`, `prose`), or caught by the schema (`broken`, `foreign`). */
  readonly flaws: { readonly fenced: number; readonly prose: number; readonly broken: number; readonly foreign: number };
  /** Dollars per million tokens. */
  readonly price: { readonly input: number; readonly output: number };
  readonly latency: { readonly medianMs: number; readonly sigma: number };
}

const NO_FLAWS = { fenced: 0, prose: 0, broken: 0, foreign: 0 };

export const CHEAP: SceneModel = {
  id: "alpha/cheap",
  kind: "openai-compatible",
  accuracy: 0.82,
  flaws: { fenced: 0.1, prose: 0.05, broken: 0.03, foreign: 0.07 },
  price: { input: 0.15, output: 0.6 },
  latency: { medianMs: 30, sigma: 0.3 },
};
export const OTHER: SceneModel = {
  id: "beta/light",
  kind: "openai",
  accuracy: 0.84,
  flaws: { fenced: 0.05, prose: 0, broken: 0.01, foreign: 0.03 },
  price: { input: 0.2, output: 0.8 },
  latency: { medianMs: 30, sigma: 0.3 },
};
export const STRONG: SceneModel = {
  id: "gamma/strong",
  kind: "anthropic",
  accuracy: 0.95,
  flaws: NO_FLAWS,
  price: { input: 2.5, output: 10 },
  latency: { medianMs: 80, sigma: 0.3 },
};
const MODELS = [CHEAP, OTHER, STRONG];

export interface QualityContender {
  /** Its task's name. */
  readonly task: string;
  readonly title: string;
  readonly route: unknown;
  readonly isChecked: boolean;
  /** Share of right answers, and calls of each model per row, by the stated figures. */
  readonly expected: { readonly accuracy: number; readonly calls: Readonly<Record<string, number>> };
}

/** `labels`: how many there are, for two that are wrong may be wrong alike. */
export function qualityContenders(labels: number): readonly QualityContender[] {
  const [cheap, other] = [soundShare(CHEAP), soundShare(OTHER)];
  const bothRight = cheap * CHEAP.accuracy * other * OTHER.accuracy;
  const bothWrongAlike = (cheap * (1 - CHEAP.accuracy) * other * (1 - OTHER.accuracy)) / (labels - 1);
  const agreed = bothRight + bothWrongAlike;
  const quality = Object.fromEntries(MODELS.map(({ id, accuracy }) => [id, accuracy]));
  return [
    {
      task: "best",
      title: "best alone",
      route: { strategy: "best", models: [CHEAP.id, OTHER.id, STRONG.id], quality },
      isChecked: true,
      expected: { accuracy: STRONG.accuracy, calls: { [STRONG.id]: 1 } },
    },
    {
      task: "cheap",
      title: "cheapest alone, unchecked",
      route: [CHEAP.id],
      isChecked: false,
      expected: { accuracy: cheap * CHEAP.accuracy, calls: { [CHEAP.id]: 1 } },
    },
    {
      task: "escalate",
      title: "cheapest + checks + escalation",
      route: {
        strategy: "cheapest",
        models: [STRONG.id, CHEAP.id],
        quality: { [CHEAP.id]: CHEAP.accuracy, [STRONG.id]: STRONG.accuracy },
      },
      isChecked: true,
      expected: { accuracy: cheap * CHEAP.accuracy + (1 - cheap) * STRONG.accuracy, calls: { [CHEAP.id]: 1, [STRONG.id]: 1 - cheap } },
    },
    {
      task: "agree",
      title: "two cheap ones agree, else the strong one",
      route: [{ agree: [CHEAP.id, OTHER.id], on: "label" }, STRONG.id],
      isChecked: true,
      expected: {
        accuracy: bothRight + (1 - agreed) * STRONG.accuracy,
        calls: { [CHEAP.id]: 1, [OTHER.id]: 1, [STRONG.id]: 1 - agreed },
      },
    },
  ];
}

/** Share of the answers that pass the schema check. */
function soundShare({ flaws }: SceneModel): number {
  return 1 - flaws.broken - flaws.foreign;
}

/** Its cost as a share of the strong model's alone, by the prices: all models are asked the same, and answer about as briefly. */
export function expectedCostShare({ expected }: QualityContender): number {
  return MODELS.reduce((sum, { id, price }) => sum + ((expected.calls[id] ?? 0) * price.input) / STRONG.price.input, 0);
}

export function qualityVendors(answers: SimulatorOptionsInput["answers"]): Omit<SimulatorOptionsInput, "port"> {
  const vendors = MODELS.map(({ id, kind, accuracy, flaws, price, latency }) => {
    const [vendor, name] = id.split("/") as [string, string];
    return [vendor, { kind, models: { [name]: { accuracy, flaws, price, latency } } }];
  });
  return { answers, vendors: Object.fromEntries(vendors) as SimulatorOptionsInput["vendors"] };
}

/** The configuration. `apiKey`: the variable that holds any key. */
export function qualityFleet({
  url,
  labels,
  apiKey,
}: {
  readonly url: string;
  readonly labels: readonly string[];
  readonly apiKey: string;
}) {
  const providers = MODELS.map(({ id, kind, price }) => {
    const [vendor, name] = id.split("/") as [string, string];
    const baseUrl = kind === "anthropic" ? `${url}/${vendor}` : `${url}/${vendor}/v1`;
    return [vendor, { kind, apiKey: `\${${apiKey}}`, baseUrl, models: { [name]: { price, limits: { rpm: 300_000 } } } }];
  });
  const task = {
    prompt: { system: "Name the intent of the bank customer's message.", user: "{{ input.text }}" },
    input: { type: "object", required: ["text"], properties: { text: { type: "string" } } },
    output: { type: "object", required: ["label"], properties: { label: { enum: labels } } },
  };
  const tasks = qualityContenders(labels.length).map(({ task: name, route, isChecked }) => [
    name,
    { ...task, route, checks: isChecked ? [{ kind: "schema" }] : [] },
  ]);
  return { providers: Object.fromEntries(providers) as object, tasks: Object.fromEntries(tasks) as object };
}
