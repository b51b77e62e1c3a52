import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { analysePilot } from "../../src/pilot/analyse-pilot.ts";
import { placeLabels } from "../../src/pilot/place-labels.ts";
import { renderHtml } from "../../src/pilot/render-html.ts";
import { renderRoute } from "../../src/pilot/render-route.ts";
import { renderScatter } from "../../src/pilot/render-scatter.ts";
import { renderSvg } from "../../src/pilot/render-svg.ts";
import { renderTable } from "../../src/pilot/render-table.ts";
import { createWorld } from "./sample-worlds.ts";

const world = createWorld({
  seed: 2,
  rows: 200,
  errors: [0.1, 0.1, 0.3, 0.06, 0.04, 0.03],
  costsNanoUsd: [5e4, 1e5, 2e5, 8e5, 1.5e6, 3e6],
  mistakes: "apart",
});
const report = analysePilot({ ...world, seed: 1 });
const nothing = analysePilot({ rows: [], models: [], seed: 1 });
const marked = { strong: (text: string) => `<b>${text}</b>`, good: (text: string) => `<g>${text}</g>`, dim: (text: string) => text };

describe("a pilot in the terminal", () => {
  it("lists every model with its interval and marks what is recommended", () => {
    const text = renderTable(report, { width: 110 });
    for (const { model } of report.models) expect(text).toMatch(new RegExp(`${model.slice(2)} .*\\d+\\.\\d %`));
    expect(text.split("\n").filter((line) => line.startsWith("→ ")).length).toBeGreaterThan(0);
    expect(text).not.toContain("<b>");
    expect(renderTable(report, { width: 110, palette: marked })).toContain("<g>→");
  });

  it.each([60, 80, 120])("draws a chart no wider than %i columns", (width) => {
    const chart = renderScatter(report, { width });
    for (const line of chart.split("\n").filter((line) => /[│└]/.test(line))) expect(line.length).toBeLessThanOrEqual(width);
    expect(chart).toContain("◆ recommended: ");
    expect(chart.match(/│.*◆/g)).toHaveLength(1);
  });
});

describe("a pilot as a picture and a page", () => {
  it("has a title, a description and no scripts, and needs nothing from elsewhere", () => {
    const svg = renderSvg(report);
    expect(svg).toMatch(/^<svg [^>]*role="img" aria-labelledby="pilot-title pilot-summary"/);
    expect(svg).toMatch(/<title id="pilot-title">.+<\/title>\n<desc id="pilot-summary">.*Recommended: /);
    const html = renderHtml(report, { on: "answer" });
    expect(html).toContain("prefers-color-scheme: dark");
    expect(html).not.toMatch(/<script|<link|<img|src=|@import|url\(|href=/);
    expect(html).not.toMatch(/NaN|undefined|Infinity/);
  });

  it("writes names from outside as text, not as markup", () => {
    const models = world.models.map(({ provider, id }, index) => ({ provider, id: index === 5 ? (`x/<script>&"` as const) : id }));
    const rows = world.rows.map(({ row, answers }) => ({ row, answers: { ...answers, [`x/<script>&"`]: answers["c/m5"]! } }));
    const html = renderHtml(analysePilot({ models, rows, seed: 1 }), { title: "<b>" });
    expect(html).not.toMatch(/<script|<b>/);
    expect(html).toContain("&lt;script&gt;&amp;");
  });

  it("places labels beside their points without covering each other where there is room", () => {
    const requests = [0, 1, 2, 3].map((index) => ({ x: 200 + 3 * index, y: 200, radius: 5, width: 80, height: 14 }));
    const boxes = placeLabels(requests, [], { x: 0, y: 0, width: 500, height: 400 });
    for (const [index, a] of boxes.entries()) {
      for (const b of boxes.slice(index + 1)) {
        expect(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(true);
      }
    }
  });
});

describe("the recommended route as YAML", () => {
  it("reads back as the steps, with qualities and what drift is held against", () => {
    const read = parse(renderRoute(report, { on: "answer" })) as {
      route: { models: unknown[]; quality: object };
      drift: { passRates: object; agreements: object };
    };
    const { steps } = report.recommended!;
    expect(steps.length).toBeGreaterThan(1);
    expect(read.route.models).toEqual(
      steps.map(({ models, agree }) =>
        models.length === 1 ? models[0] : { agree: models, on: "answer", ...(agree?.need ? { need: agree.need } : {}) },
      ),
    );
    const used = steps.flatMap(({ models }) => models).toSorted();
    expect(Object.keys(read.route.quality).toSorted()).toEqual(used);
    expect(Object.keys(read.drift.passRates).toSorted()).toEqual(used);
    expect(Object.keys(read.drift.agreements)).toEqual(
      steps.filter(({ models }) => models.length > 1).map(({ models }) => models.join("+")),
    );
  });

  it("writes an agreement on one line, as a person would", () => {
    expect(renderRoute(report, { on: "answer" })).toMatch(/^ {4}- \{ agree: \[.+\], on: answer.* \}$/m);
  });
});

it("a pilot without models renders as its reason alone", () => {
  expect(renderTable(nothing, { width: 80 })).toContain("Nothing can be recommended");
  expect([renderScatter(nothing, { width: 80 }), renderSvg(nothing), renderRoute(nothing)]).toEqual(["", "", ""]);
  expect(renderHtml(nothing)).toContain("Nothing can be recommended");
});
