// npm run bench:store: how fast each store takes results, side by side, and whether all is there once when a writer is killed in the middle. `--rows 10000` for a quick look.

import { fork, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openStore, type StorePlace } from "../src/results/open-store.ts";
import { readEnvironment } from "../src/runtime/environment.ts";
import { median, renderTable } from "./bench-report.ts";
import { addToBooks, APPEND_ENTRIES, expectedBooks, type BookSums } from "./bench-store-rows.ts";
import type { WriterOptions, WriterOrder, WriterReport } from "./bench-store-writer.ts";
import { findPostgresPrograms, startLocalPostgres, type LocalPostgres } from "./local-postgres.ts";

const ROUNDS = 3;
/** A killed writer's batch is taken over from here: what it wrote and nobody counted is written once more. */
const BACK_ENTRIES = 2 * APPEND_ENTRIES;
const WRITER = join(import.meta.dirname, "bench-store-writer.ts");

interface Contender {
  readonly name: string;
  readonly place: StorePlace;
}

interface Inspection {
  readonly rows: number;
  readonly isInOrder: boolean;
  readonly books: BookSums;
}

const { values } = parseArgs({ options: { rows: { type: "string", default: "100000" } } });
const rows = Number(values.rows);
process.exitCode = await bench(rows);

async function bench(total: number): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), "modelfleet-bench-store-"));
  const given = readEnvironment().variable("POSTGRES_URL");
  const programs = await findPostgresPrograms();
  const local = given || "missing" in programs ? undefined : await startLocalPostgres(programs, { isSafe: true });
  try {
    const contenders = await contendersOf(dir, given ?? local?.url);
    if (contenders.length === 1 && "missing" in programs) console.log(`PostgreSQL is left out: ${programs.missing}`);
    const times = new Map(contenders.map(({ name }) => [name, [] as number[]]));
    for (let round = -1; round < ROUNDS; round++) {
      for (const { name, place } of round % 2 === 0 ? contenders : contenders.toReversed()) {
        const ms = await writeSideBySide(place, { prefix: `rate${round + 1}`, rows: total / 2 });
        if (round >= 0) times.get(name)!.push(ms);
      }
    }
    console.log(
      `${total.toLocaleString("en")} rows through two writers, ${APPEND_ENTRIES.toLocaleString("en")} results an append (${ROUNDS} rounds in turns, the first not counted)`,
    );
    const best = median(times.get(contenders[0]!.name)!);
    console.log(
      renderTable([
        ["store", "rows/s", "beside files"],
        ...contenders.map(({ name }) => rateLine(name, total, median(times.get(name)!), best)),
      ]),
    );

    let isGood = true;
    const lines: string[][] = [];
    for (const { name, place } of contenders) {
      const killedAt = await writeWithAKill(place, { prefix: "killed", rows: total / 2 });
      const found = await Promise.all(["killed-a", "killed-b"].map((batch) => inspect(place, batch)));
      const expected = expectedBooks(total / 2);
      const isRight = found.every(
        ({ rows, isInOrder, books }) => rows === total / 2 && isInOrder && JSON.stringify(books) === JSON.stringify(expected),
      );
      isGood &&= isRight;
      const sum = (read: (each: Inspection) => number) => found.reduce((all, each) => all + read(each), 0).toLocaleString("en");
      lines.push([
        name,
        killedAt.toLocaleString("en"),
        sum((each) => each.rows),
        sum((each) => each.books.calls),
        sum((each) => each.books.duplicates),
        sum((each) => each.books.costNanoUsd),
        isRight ? "yes" : "NO",
      ]);
    }
    const { calls, duplicates, costNanoUsd } = expectedBooks(total / 2);
    const wanted = ["expected", "", total, 2 * calls, 2 * duplicates, 2 * costNanoUsd, ""].map((each) => each.toLocaleString("en"));
    console.log(
      `\nOne of two writers killed; the other goes on with its batch, from ${BACK_ENTRIES.toLocaleString("en")} results before what it had reported`,
    );
    console.log(renderTable([["store", "killed at", "rows", "calls", "duplicates", "nano-dollars", "all once"], ...lines, wanted]));
    return isGood ? 0 : 1;
  } finally {
    await stopAll(local, dir);
  }
}

async function stopAll(local: LocalPostgres | undefined, dir: string): Promise<void> {
  await local?.stop();
  await rm(dir, { recursive: true, force: true });
}

async function contendersOf(dir: string, storeUrl: string | undefined): Promise<readonly Contender[]> {
  const files: Contender = { name: "files", place: { storeDir: join(dir, "store") } };
  if (storeUrl === undefined) return [files];
  const place = { storeDir: dir, storeUrl };
  const store = openStore(place);
  const [, version = ""] = /^(PostgreSQL \d+)/.exec(await store.probe()) ?? [];
  const known = await store.batches();
  await store.stop();
  if (known.length > 0) throw new Error(`the database of POSTGRES_URL holds batches already: name an empty one`);
  return [files, { name: version, place }];
}

function rateLine(name: string, total: number, ms: number, bestMs: number): readonly string[] {
  return [name, Math.round((total / ms) * 1_000).toLocaleString("en"), (bestMs / ms).toFixed(2)];
}

/** Milliseconds until both batches are written. */
async function writeSideBySide(place: StorePlace, { prefix, rows }: { readonly prefix: string; readonly rows: number }): Promise<number> {
  const writers = await Promise.all(["a", "b"].map((each) => startWriter({ place, batch: `${prefix}-${each}`, rows })));
  const start = performance.now();
  await Promise.all(writers.map((writer) => writer.order({ kind: "write" })));
  const ms = performance.now() - start;
  for (const writer of writers) writer.end();
  return ms;
}

/** Answers with the number of results that the killed one had reported. */
async function writeWithAKill(place: StorePlace, { prefix, rows }: { readonly prefix: string; readonly rows: number }): Promise<number> {
  const [first, second] = await Promise.all(["a", "b"].map((each) => startWriter({ place, batch: `${prefix}-${each}`, rows })));
  const whole = second!.order({ kind: "write" });
  const half = first!.killAtHalf();
  void first!.order({ kind: "write" }).catch(() => undefined);
  const reported = await half;
  await second!.order({ kind: "take-over", batch: `${prefix}-a`, fromEntry: Math.max(0, reported - BACK_ENTRIES) });
  await whole;
  second!.end();
  return reported;
}

async function inspect(place: StorePlace, batch: string): Promise<Inspection> {
  const store = openStore(place);
  let found = 0;
  let isInOrder = true;
  for await (const { row } of store.read(batch)) isInOrder &&= row === found++;
  let books: BookSums = { calls: 0, duplicates: 0, uncertain: 0, costNanoUsd: 0 };
  for await (const entry of store.ledger(batch)) books = addToBooks(books, entry);
  await store.stop();
  return { rows: found, isInOrder, books };
}

async function startWriter(options: WriterOptions) {
  const child = fork(WRITER, [JSON.stringify(options)], { execArgv: [] });
  await reported(child, (report) => report.kind === "ready");
  return {
    async order(order: WriterOrder): Promise<void> {
      const batch = order.kind === "write" ? options.batch : order.batch;
      const done = reported(child, (report) => report.kind === "done" && report.batch === batch);
      child.send(order);
      await done;
    },
    /** SIGKILL, in the middle of an append. Answers with what it had reported when it was gone. */
    async killAtHalf(): Promise<number> {
      let entries = 0;
      child.on("message", (report: WriterReport) => report.kind === "written" && (entries = report.entries));
      await reported(child, (report) => report.kind === "written" && report.entries >= report.of / 2);
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await gone;
      return entries;
    },
    end: () => child.disconnect(),
  };
}

/** Rejects when the process ends before. */
function reported(child: ChildProcess, isIt: (report: WriterReport) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const listen = (report: WriterReport) => {
      if (!isIt(report)) return;
      child.off("message", listen);
      child.off("exit", fail);
      resolve();
    };
    const fail = (code: number | null) => reject(new Error(`a writer ended with ${code}`));
    child.on("message", listen);
    child.once("exit", fail);
  });
}
