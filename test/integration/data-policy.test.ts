// The data policy, where it could leak: six providers of which two may see class `pii`, and jobs of that class and of none on their way through analysis,
// agreement, judges, repairs, escalation, reroutes, retries and resumes, while vendors fail. Every row's text holds a mark of its own; a proxy before the
// vendors keeps every request, whatever it is for, and the simulator's ledger says that none went around the proxy.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Queue } from "bullmq";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBatchStates } from "../../queues/batch-state.ts";
import type { Result } from "../../src/job/result.ts";
import type { Purpose } from "../../src/job/trail.ts";
import { createFileStore } from "../../src/results/files/file-store.ts";
import { DEAD_QUEUE, modelQueue, taskQueue } from "../../src/runtime/keys.ts";
import type { SimulatorOptionsInput } from "../../src/simulator/simulator-options.ts";
import { LABELS, toJsonl } from "../support/classify.ts";
import { startTestFleet, until, type TestFleet } from "../support/fleet.ts";
import { startRecordingProxy, type RecordingProxy } from "../support/recording-proxy.ts";

const PRICE = { input: 1, output: 5 };

/** What the fleet is told of each provider's data handling. Only `house` and `inn` fulfil all of what pii asks for. */
const VENDORS = {
  house: { kind: "openai", models: ["small", "large"], data: { region: "eu", retention: "none", training: false } },
  inn: { kind: "anthropic", models: ["quick", "slow"], data: { region: "eu", retention: "none", training: false } },
  abroad: { kind: "openai", models: ["a"], data: { region: "us", retention: "none", training: false } },
  keeper: { kind: "anthropic", models: ["k"], data: { region: "eu", retention: "7d", training: false } },
  learner: { kind: "openai-compatible", models: ["l"], data: { region: "eu", retention: "none", training: true } },
  silent: { kind: "openai", models: ["s"], data: undefined },
} as const;
type Vendor = keyof typeof VENDORS;
const MAY_SEE = new Set<string>(["house", "inn"]);
const PERMITTED = ["house/small", "house/large", "inn/quick", "inn/slow"] as const;
const BARRED = (Object.keys(VENDORS) as Vendor[]).filter((vendor) => !MAY_SEE.has(vendor));

const MARK = /mark-[a-z]+-\d+-end/g;

interface Row {
  readonly id: string;
  readonly text: string;
  readonly class?: string;
  readonly label: string;
}

/** Every third row is of no class, so that each batch has both. */
function mixedRows(name: string, count: number): Row[] {
  return Array.from({ length: count }, (_, i) => ({ ...plainRow(name, i), class: i % 3 === 2 ? "open" : "pii" }));
}

function plainRows(name: string, count: number): Row[] {
  return Array.from({ length: count }, (_, i) => plainRow(name, i));
}

function plainRow(name: string, i: number): Row {
  return { id: `${name}-${i}`, text: `Ticket of a customer, mark-${name}-${i}-end, in a test`, label: LABELS[i % LABELS.length]! };
}

const ROWS = {
  field: mixedRows("field", 60),
  flag: plainRows("flag", 24),
  payload: plainRows("payload", 24),
  standing: plainRows("standing", 24),
  resumed: mixedRows("resumed", 200),
  nobody: plainRows("nobody", 5),
  // No row of its own says what its class is by a word that is configured.
  unknown: plainRows("unknown", 8).map((row, i): object => ({ ...row, class: ["secret", "PII", "", " pii"][i % 4]! })),
  odd: plainRows("odd", 6).map((row, i): object => ({ ...row, class: [["pii"], 7, null, true, { name: "pii" }, [][0]][i] ?? null })),
};

let fleet: TestFleet;
let proxy: RecordingProxy;

/** Answers are often wrong, so that models disagree; often outside of what is allowed, so that checks fail; and judges' scores are anything from 0 to 10. */
function simulator(): Omit<SimulatorOptionsInput, "port"> {
  const rows = Object.values(ROWS).flat() as Row[];
  return {
    answers: { entries: rows.map(({ text, label }) => ({ text, label })), labels: [...LABELS] },
    vendors: Object.fromEntries(
      Object.entries(VENDORS).map(([name, { kind, models }]) => [
        name,
        {
          kind,
          latency: { baseMs: 2, jitterMs: 10 },
          models: Object.fromEntries(
            models.map((model) => [model, { accuracy: 0.7, price: PRICE, flaws: { foreign: 0.25, fenced: 0.1, broken: 0.05 } }]),
          ),
        },
      ]),
    ),
  };
}

function config(url: string): object {
  proxy.forwardTo(url);
  const agree = (...models: string[]) => ({ agree: models, on: "label" });
  const task = {
    prompt: { system: "You sort support tickets.", user: "Ticket: {{ input.text }}" },
    output: { type: "object", required: ["label"], properties: { label: { enum: [...LABELS] } } },
    // What pii may not see comes first everywhere: nothing but the policy keeps it away.
    route: {
      strategy: "ordered",
      models: [agree("abroad/a", "house/small"), "silent/s", agree("house/small", "inn/quick"), "keeper/k", "house/large"],
      fallback: ["learner/l", "inn/slow", "house/small"],
    },
    checks: [{ kind: "schema", onFail: "repair" }],
    judge: {
      models: ["learner/l", "keeper/k", "inn/slow", "house/large"],
      rubric: "Is it the right label?",
      passMark: 6,
      onFail: "repair",
    },
    analyse: { model: "abroad/a" },
    attempts: 2,
    timeout: "10s",
    onRefusal: "reroute",
  };
  const field = { field: "class", default: "open" };
  return {
    dataClasses: { pii: { regions: ["eu"], maxRetention: "none", training: false }, open: {} },
    providers: Object.fromEntries(
      Object.entries(VENDORS).map(([name, { kind, models, data }]) => [
        name,
        {
          kind,
          apiKey: "${SIMULATED_KEY}",
          baseUrl: kind === "anthropic" ? `${proxy.url}/${name}` : `${proxy.url}/${name}/v1`,
          ...(data ? { data } : {}),
          models: Object.fromEntries(models.map((model) => [model, { price: PRICE }])),
        },
      ]),
    ),
    tasks: {
      field: { ...task, dataClass: field },
      flag: task,
      payload: task,
      standing: { ...task, dataClass: "pii", analyse: { model: "inn/quick" } },
      resumed: { ...task, dataClass: field },
      nobody: { ...task, route: { models: ["abroad/a", "keeper/k"], fallback: ["learner/l", "silent/s"] }, dataClass: "pii" },
      unknown: { ...task, dataClass: field },
      odd: { ...task, dataClass: field },
    },
    queues: { lock: "2s", stalledCheck: "1s", reconcile: "2s" },
    web: { port: 0 },
  };
}

/** The marks that a vendor was sent, and in how many requests. */
function marksSeenBy(vendor: string): ReadonlyMap<string, number> {
  const seen = new Map<string, number>();
  for (const { path, body } of proxy.requests()) {
    if (path.split("/")[1] !== vendor) continue;
    for (const mark of new Set(JSON.stringify(body).match(MARK) ?? [])) seen.set(mark, (seen.get(mark) ?? 0) + 1);
  }
  return seen;
}

const markOf = ({ text }: { readonly text: string }) => text.match(MARK)![0];
const marksOf = (rows: readonly object[]) => new Set((rows as Row[]).map(markOf));
const common = (seen: ReadonlyMap<string, number>, marks: ReadonlySet<string>) => [...seen.keys()].filter((mark) => marks.has(mark));

/** None of the rows was in any request to a vendor that may not see it; those that may, saw them all. */
function expectKeptFromBarred(rows: readonly object[]): void {
  const marks = marksOf(rows);
  for (const vendor of BARRED) expect(common(marksSeenBy(vendor), marks), `what ${vendor} saw`).toEqual([]);
  const seen = new Set([...MAY_SEE].flatMap((vendor) => common(marksSeenBy(vendor), marks)));
  expect(seen.size).toBe(marks.size);
}

const isPii = (row: Row) => row.class === "pii";

async function resultsOf(batch: string): Promise<Result[]> {
  const store = createFileStore({ dir: join(fleet.dir, "data", "store") });
  const results: Result[] = [];
  for await (const result of store.read(batch)) results.push(result);
  await store.stop();
  return results;
}

/** How many calls of the results there were for each purpose. */
function purposesOf(results: readonly Result[]): Partial<Record<Purpose, number>> {
  const counts: Partial<Record<Purpose, number>> = {};
  for (const { trail } of results) for (const { purpose } of trail) counts[purpose] = (counts[purpose] ?? 0) + 1;
  return counts;
}

const states = () => createBatchStates(fleet.redis.client());
const isOver = (batch: string, round = 0) =>
  until(
    `the end of ${batch}`,
    async () => {
      const status = await states().status(batch);
      return status?.state === "finished" && status.round >= round ? status : undefined;
    },
    120_000,
  );

async function run(task: keyof typeof ROWS, ...options: string[]) {
  const file = await fleet.file(`${task}.jsonl`, toJsonl(ROWS[task]));
  return fleet.command("run", file, "--task", task, "--batch", task, "-o", `${fleet.dir}/${task}.out.jsonl`, ...options).result;
}

/** Over those who may see pii and those who may not. */
const WEATHER = [
  ["house", "small", "reset", { share: 0.1 }],
  // Of two faults of one model the last one counts, while it lasts.
  ["house", "small", "storm", { forMs: 1_500 }],
  ["house", "large", "refusal", { share: 0.15 }],
  ["inn", "quick", "cut-off", { share: 0.15 }],
  ["inn", "slow", "cut-off", { share: 0.1 }],
  ["silent", "s", "outage", { share: 0.3 }],
  ["keeper", "k", "refusal", { share: 0.2 }],
] as const;

beforeAll(async () => {
  proxy = await startRecordingProxy();
  fleet = await startTestFleet({ simulator: simulator(), config });
});

afterAll(async () => {
  await fleet?.stop();
  await proxy?.stop();
});

describe("a job of class pii", { timeout: 180_000 }, () => {
  it("by its row, by --data-class, by its payload or by its task: not one call of it reaches a provider that may not see it", async () => {
    await fleet.start("up", "--no-web");
    for (const [vendor, model, fault, extent] of WEATHER) fleet.simulator.setFault({ vendor, model, fault, ...extent });
    const tasks = new Queue(taskQueue("payload"), { connection: fleet.redis.client() });
    await tasks.addBulk(
      ROWS.payload.map(({ text }, row) => ({
        name: "any",
        data: { v: 1, batch: "payload", row, total: ROWS.payload.length, input: { text }, dataClass: "pii" },
      })),
    );
    await tasks.close();
    await Promise.all([run("field"), run("flag", "--data-class", "pii"), run("standing"), isOver("payload")]);
    for (const rows of [ROWS.field.filter(isPii), ROWS.flag, ROWS.payload, ROWS.standing]) expectKeptFromBarred(rows);
    // Everyone was there to be asked: rows of no rule went to all of them.
    const open = marksOf(ROWS.field.filter((row) => !isPii(row)));
    for (const vendor of Object.keys(VENDORS)) expect(common(marksSeenBy(vendor), open).length, vendor).toBeGreaterThan(0);
  });

  it("was agreed on, judged, repaired, escalated and rerouted on its way, so that it had its chances to stray", async () => {
    const field = (await resultsOf("field")).filter(({ row }) => isPii(ROWS.field[row]!));
    const all = [...field, ...(await Promise.all(["flag", "payload", "standing"].map(resultsOf))).flat()];
    expect(all.length).toBe(ROWS.field.filter(isPii).length + 3 * 24);
    const purposes = purposesOf(all);
    for (const purpose of ["agree", "answer", "judge", "repair"] as const) expect(purposes[purpose], purpose).toBeGreaterThan(10);
    expect(all.filter(({ reroutes }) => reroutes > 1).length).toBeGreaterThan(10);
    // The task's own analysis model may see the rows of `standing`; those of the others are analysed by the rules.
    expect(purposesOf(await resultsOf("standing")).analyse).toBeGreaterThan(10);
    expect(purposesOf(field).analyse).toBeUndefined();
    expect(purposesOf((await resultsOf("field")).filter(({ row }) => !isPii(ROWS.field[row]!))).analyse).toBeGreaterThan(10);
    const outcomes = new Set(all.flatMap(({ trail }) => trail.map(({ outcome }) => outcome)));
    for (const outcome of ["answered", "unfit", "refused", "throttled", "uncertain"] as const) expect([...outcomes]).toContain(outcome);
    const { vendors } = fleet.simulator.ledger();
    for (const [vendor, model, fault] of WEATHER) {
      expect(vendors[vendor]?.models[model]?.faults[fault], `${fault} at ${vendor}/${model}`).toBeGreaterThan(0);
    }
    const called = new Set(all.flatMap(({ trail }) => trail.map(({ model }) => model)));
    expect([...called].toSorted()).toEqual(PERMITTED.toSorted());
  });

  it("stays with those who may see it when they are down: it waits", async () => {
    fleet.simulator.clearFaults();
    fleet.simulator.setFault({ vendor: "house", fault: "outage" });
    fleet.simulator.setFault({ vendor: "inn", fault: "outage" });
    const late = [plainRow("late", 0), plainRow("late", 1), plainRow("late", 2)];
    const tasks = new Queue(taskQueue("payload"), { connection: fleet.redis.client() });
    const rows = late.map(({ text }, row) => ({
      name: "any",
      data: { v: 1, batch: "late", row, total: 3, input: { text }, dataClass: "pii" },
    }));
    await tasks.addBulk(rows);
    await tasks.close();
    await until("a failed call to each of both", () =>
      ["house", "inn"].every((vendor) => common(marksSeenBy(vendor), marksOf(late)).length > 0),
    );
    for (const vendor of ["house", "inn"]) fleet.simulator.clearFaults({ vendor });
    expect((await isOver("late")).done).toBe(late.length);
    expect((await resultsOf("late")).flatMap(({ trail }) => trail.map(({ outcome }) => outcome))).toContain("transient");
    expectKeptFromBarred(late);
  });

  it("may come with an OpenAI body beside the row that says its class: a retry knows it still", async () => {
    const rows = mixedRows("body", 6).filter(isPii);
    for (const vendor of MAY_SEE) fleet.simulator.setFault({ vendor, fault: "refusal" });
    const tasks = new Queue(taskQueue("field"), { connection: fleet.redis.client() });
    await tasks.addBulk(
      rows.map(({ text, class: dataClass }, row) => ({
        name: "any",
        data: {
          v: 1,
          batch: "body",
          row,
          total: rows.length,
          input: { class: dataClass! },
          body: { messages: [{ role: "user", content: `Ticket: ${text}` }], response_format: { type: "json_object" } },
        },
      })),
    );
    await tasks.close();
    expect((await isOver("body")).failed).toBe(rows.length);
    fleet.simulator.clearFaults();
    const retried = await fleet.command("retry", "body").result;
    expect(retried.code, retried.stderr).toBe(0);
    await isOver("body", 1);
    expectKeptFromBarred(rows);
  });

  it("is kept from them after a retry of the failed rows, by command and from the dead letters", async () => {
    const failed = (await resultsOf("flag")).filter(({ status }) => status === "error");
    const failedField = (await resultsOf("field")).filter(({ status, row }) => status === "error" && isPii(ROWS.field[row]!));
    expect(failed.length).toBeGreaterThan(2);
    expect(failedField.length).toBeGreaterThan(0);
    const seenBefore = marksSeenBy("house");
    const dead = new Queue(DEAD_QUEUE, { connection: fleet.redis.client() });
    const letters = await dead.getFailed(0, 1_000);
    const letter = letters.find(({ id }) => id?.startsWith("flag."))!;
    const row = Number(letter.id!.split(".")[1]);
    await letter.retry();
    await isOver("flag", 1);
    await dead.close();
    const mark = markOf(ROWS.flag[row]!);
    expect(marksSeenBy("house").get(mark)).toBeGreaterThan(seenBefore.get(mark)!);
    for (const batch of ["flag", "field"]) {
      const retried = await fleet.command("retry", batch).result;
      expect(retried.code, retried.stderr).toBe(0);
    }
    await Promise.all([isOver("flag", 2), isOver("field", 1)]);
    for (const { row } of failedField) {
      const each = markOf(ROWS.field[row]!);
      expect(marksSeenBy("house").get(each), each).toBeGreaterThan(seenBefore.get(each)!);
    }
    for (const rows of [ROWS.field.filter(isPii), ROWS.flag]) expectKeptFromBarred(rows);
  });

  it("that nobody may take fails at once, with the reasons model by model, and nobody is asked", async () => {
    const { code } = await run("nobody");
    expect(code).toBe(1);
    const results = await resultsOf("nobody");
    expect(results.length).toBe(ROWS.nobody.length);
    for (const result of results) {
      expect(result).toMatchObject({ status: "error", error: { code: "no-model" }, trail: [] });
      const { message } = (result as Extract<Result, { status: "error" }>).error;
      expect(message).toContain('abroad/a: data class "pii": it must stay in eu, and abroad is in us');
      expect(message).toContain('keeper/k: data class "pii": keeper keeps data for too long');
      expect(message).toContain('learner/l: data class "pii": learner trains on data');
      expect(message).toContain('silent/s: data class "pii": it must stay in eu, and silent names no region');
    }
    expectSeenByNobody(ROWS.nobody);
  });
});

describe("a row of a class that is not configured", { timeout: 60_000 }, () => {
  it("is an error that says so, and reaches nobody", async () => {
    expect((await run("unknown")).code).toBe(1);
    const results = await resultsOf("unknown");
    expect(results.length).toBe(ROWS.unknown.length);
    for (const { row, ...result } of results) {
      expect(result).toMatchObject({ status: "error", error: { code: "no-model" }, trail: [] });
      const said = JSON.stringify((ROWS.unknown[row] as Row).class);
      expect((result as Extract<Result, { status: "error" }>).error.message).toContain(
        `data class ${said}: it is not among the configured ones`,
      );
    }
    expectSeenByNobody(ROWS.unknown);
  });

  it("is one too where the field holds something that is no name", async () => {
    expect((await run("odd")).code).toBe(1);
    const named = ROWS.odd.filter((row) => (row as { class: unknown }).class !== null);
    expectSeenByNobody(named);
  });

  it("is one too when a payload says it; and on the command line it is a usage error", async () => {
    const rows = [plainRow("stray", 0)];
    const tasks = new Queue(taskQueue("payload"), { connection: fleet.redis.client() });
    await tasks.add("any", { v: 1, batch: "stray", row: 0, total: 1, input: { text: rows[0]!.text }, dataClass: "secret" });
    await tasks.close();
    await isOver("stray");
    const [result] = await resultsOf("stray");
    expect(result).toMatchObject({
      status: "error",
      error: { code: "no-model", message: expect.stringContaining('data class "secret"') as string },
    });
    expectSeenByNobody(rows);
    const refused = await run("unknown", "--data-class", "secret");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('the data class "secret" is not configured');
  });
});

describe("a batch that is resumed", { timeout: 180_000 }, () => {
  it("keeps its rows from those who may not see them, after its processes were killed", async () => {
    const file = await fleet.file("resumed.jsonl", toJsonl(ROWS.resumed));
    const args = ["run", file, "--task", "resumed", "--batch", "resumed", "-o", `${fleet.dir}/resumed.out.jsonl`];
    const first = fleet.command(...args);
    await until("some results", async () => ((await states().status("resumed"))?.done ?? 0) > 20);
    first.child.kill("SIGKILL");
    await first.result;
    const done = (await states().status("resumed"))!.done;
    const second = await fleet.command(...args).result;
    expect([0, 1], second.stderr).toContain(second.code);
    expect(done).toBeLessThan(ROWS.resumed.length);
    expect((await resultsOf("resumed")).length).toBe(ROWS.resumed.length);
    expectKeptFromBarred(ROWS.resumed.filter(isPii));
  });

  it("takes no other --data-class, --allow or --deny than it began with", async () => {
    const file = await fleet.file("terms.jsonl", toJsonl(plainRows("terms", 3)));
    const args = ["run", file, "--task", "flag", "--batch", "terms", "-o", `${fleet.dir}/terms.out.jsonl`];
    const first = await fleet.command(...args, "--data-class", "pii", "--deny", "house/large").result;
    expect([0, 1], first.stderr).toContain(first.code);
    for (const other of [
      [],
      ["--data-class", "open", "--deny", "house/large"],
      ["--data-class", "pii"],
      ["--data-class", "pii", "--allow", "silent/s"],
    ]) {
      const again = await fleet.command(...args, ...other).result;
      expect(again.code, `${other.join(" ")}: ${again.stderr}`).toBe(2);
      expect(again.stderr).toContain("--data-class pii --deny house/large");
    }
    const same = await fleet.command(...args, "--data-class", "pii", "--deny", "house/large").result;
    expect(same.code, same.stderr).toBe(first.code);
  });
});

describe("a fleet whose rules change while calls lie in its queues", { timeout: 60_000 }, () => {
  let other: TestFleet | undefined;
  afterAll(() => other?.stop());

  it("makes none of those that the new rules forbid: the pool looks once more", async () => {
    const rows = plainRows("change", 6);
    const configured = (url: string, isAllowed: boolean) => ({
      dataClasses: { pii: { regions: ["eu"] } },
      providers: Object.fromEntries(
        ["new", "old"].map((name) => [
          name,
          {
            kind: "openai",
            apiKey: "${SIMULATED_KEY}",
            baseUrl: `${url}/${name}/v1`,
            ...(name === "old" || isAllowed ? { data: { region: "eu" } } : {}),
            models: { m: { price: PRICE } },
          },
        ]),
      ),
      tasks: { change: { prompt: { user: "{{ input.text }}" }, route: { models: ["new/m"], fallback: ["old/m"] }, dataClass: "pii" } },
      queues: { lock: "2s", stalledCheck: "1s", reconcile: "2s" },
    });
    let address = "";
    const vendor = { kind: "openai", models: { m: {} } } as const;
    other = await startTestFleet({
      simulator: { vendors: { new: vendor, old: vendor } },
      config: (url) => configured((address = url), true),
    });
    const router = await other.start("router");
    const redis = other.redis.client();
    const tasks = new Queue(taskQueue("change"), { connection: redis });
    const data = (row: number) => ({ v: 1, batch: "change", row, total: rows.length, input: { text: rows[row]!.text } });
    await tasks.addBulk(rows.map((_, row) => ({ name: "any", data: data(row) })));
    const calls = new Queue(modelQueue("new/m"), { connection: redis });
    await until("calls in the queue", async () => (await calls.getWaitingCount()) === rows.length);
    await router.terminate();
    await writeFile(other.config, JSON.stringify(configured(address, false)));
    await other.start("up", "--no-web");
    const batches = createBatchStates(redis);
    await until("the end", async () => (await batches.status("change"))?.state === "finished");
    expect(await batches.status("change")).toMatchObject({ answered: rows.length, failed: 0 });
    const { vendors } = other.simulator.ledger();
    expect(vendors["new"]?.total.calls ?? 0).toBe(0);
    expect(vendors["old"]?.total.calls).toBe(rows.length);
    await Promise.all([tasks.close(), calls.close()]);
  });
});

describe("the vendors' own books", () => {
  it("know of no call that the proxy has not seen", () => {
    const { vendors } = fleet.simulator.ledger();
    for (const vendor of Object.keys(VENDORS)) {
      const heard = proxy.requests().filter(({ path }) => path.startsWith(`/${vendor}/`)).length;
      expect(vendors[vendor]?.total.calls, vendor).toBe(heard);
    }
  });
});

function expectSeenByNobody(rows: readonly object[]): void {
  const marks = marksOf(rows);
  for (const vendor of Object.keys(VENDORS)) expect(common(marksSeenBy(vendor), marks), `what ${vendor} saw`).toEqual([]);
}
