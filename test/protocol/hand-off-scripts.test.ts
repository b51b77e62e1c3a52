// The real scripts on a real Redis against the rules of the model: random sequences of notes, claims, brought parts, records, vanished rows, pauses and
// retries answer as the rules do.

import assert from "node:assert/strict";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBatchStates, type BatchStates } from "../../queues/batch-state.ts";
import { createResultStream, type ResultStream } from "../../queues/result-stream.ts";
import type { Result } from "../../src/job/result.ts";
import { batchKeys } from "../../src/runtime/keys.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import * as rules from "./row-rules.ts";

const ROWS = 3;
const ROW_BYTES = 10;
const WINDOW = { rows: 1_000, bytes: 1_000_000 };
const TASK = "sort";
const RUNS = 150;

interface ClaimOf extends rules.Claim {
  readonly row: number;
}

/** `hopsBack`: how far the worker's hop lies behind the row's. */
interface RecordOf {
  readonly row: number;
  readonly round: number;
  readonly status: Result["status"];
  readonly hopsBack: number;
}

type Operation =
  | { readonly kind: "note"; readonly row: number }
  /** Several at once travel in one script. */
  | { readonly kind: "claim"; readonly claims: readonly ClaimOf[] }
  | { readonly kind: "record"; readonly results: readonly RecordOf[] }
  /** Without an outcome it only looks. */
  | { readonly kind: "bring"; readonly row: number; readonly hop: number; readonly part: number; readonly outcome: string | undefined }
  | { readonly kind: "vanish"; readonly row: number }
  | { readonly kind: "pause"; readonly isPaused: boolean }
  | { readonly kind: "retry" };

const row = fc.nat({ max: ROWS - 1 });
const status = fc.constantFrom<Result["status"]>("answered", "error");
const claimOf = fc.record({ row, hop: fc.nat({ max: 8 }), part: fc.nat({ max: 1 }), token: fc.constantFrom("task@1", "a.b~2f@2") });
const operation = fc.oneof<fc.Arbitrary<Operation>[]>(
  fc.record({ kind: fc.constant("note"), row }),
  fc.record({ kind: fc.constant("claim"), claims: fc.array(claimOf, { minLength: 1, maxLength: 4 }) }),
  fc.record({
    kind: fc.constant("record"),
    results: fc.array(fc.record({ row, round: fc.nat({ max: 2 }), status, hopsBack: fc.nat({ max: 1 }) }), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant("bring"),
    row,
    hop: fc.nat({ max: 1 }),
    part: fc.nat({ max: 1 }),
    outcome: fc.option(fc.constantFrom("a", "b"), { nil: undefined }),
  }),
  fc.record({ kind: fc.constant("vanish"), row }),
  // Seldom paused for long: a paused batch takes no new rows.
  fc.record({ kind: fc.constant("pause"), isPaused: fc.constantFrom(true, false, false) }),
  fc.record({ kind: fc.constant("retry") }),
);

let redis: TestRedis;
let client: ReturnType<TestRedis["client"]>;
let states: BatchStates;
let stream: ResultStream;
let batches = 0;
let retries = 0;

beforeAll(async () => {
  redis = await startTestRedis();
  client = redis.client();
  states = createBatchStates(client);
  stream = createResultStream(client, "the only recorder");
});
afterAll(() => redis.stop());

describe("the scripts in the batch's slot", () => {
  it("note, claim, bring, record, re-add, pause and retry as the model's rules say, in whatever order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 40, size: "max" }), async (operations) => {
        const world = await makeWorld();
        for (const each of operations) await world.run(each);
        await world.compareCounts();
      }),
      { numRuns: RUNS },
    );
    // Else the sequences would be too short to show anything of rounds.
    expect(retries).toBeGreaterThan(RUNS / 10);
  }, 120_000);

  it("records one result of many that arrive at once", async () => {
    const { batch } = await makeWorld();
    await states.note(batch, [{ row: 0, bytes: ROW_BYTES }], WINDOW);
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, hop) => states.record(resultOf(batch, { row: 0, round: 0, hop, status: "answered" }))),
    );
    expect(replies.filter((reply) => reply === "recorded")).toHaveLength(1);
    expect(await states.claim({ batch, row: 0, hop: 99, part: 0, token: "task@1" })).toBe("done");
  });
});

/** A batch in Redis, and the same batch as the rules have it. */
async function makeWorld() {
  const batch = `b${batches++}`;
  const model: rules.Row[] = Array.from({ length: ROWS }, () => rules.NEW_ROW);
  const parts = new Map<string, readonly (string | undefined)[]>();
  const last: (Result | undefined)[] = [];
  let round = 0;
  let refused = 0;
  let isSealed = false;
  let isPaused = false;
  await states.make(batch, TASK, "{}");

  const counts = () => ({
    done: model.filter((each) => each.kind === "done").length,
    answered: last.filter((each, i) => model[i]?.kind === "done" && each?.status === "answered").length,
    failed: last.filter((each, i) => model[i]?.kind === "done" && each?.status === "error").length,
  });

  const isOver = () => isSealed && counts().done === ROWS;

  const note = async (at: number) => {
    const before = model[at]!;
    const reply = await states.note(batch, [{ row: at, bytes: ROW_BYTES }], WINDOW);
    const rowReply = before.kind === "done" ? "done" : before.claimed ? "claimed" : before.hop;
    const expected = isOver() ? { kind: "over" } : isPaused ? { kind: "paused" } : { kind: "ok", rows: [rowReply] };
    expect(reply).toMatchObject(expected);
    if (expected.kind !== "ok") return;
    model[at] = rules.note(before);
  };

  const claim = async (claims: readonly ClaimOf[]) => {
    const expected = claims.map((each) => {
      const { reply, row: after } = rules.claim(model[each.row]!, each, isPaused ? "paused" : "running");
      model[each.row] = after;
      return reply === "overtaken" ? "superseded" : reply;
    });
    expect(await Promise.all(claims.map((each) => states.claim({ batch, ...each })))).toEqual(expected);
  };

  const record = async (results: readonly RecordOf[]) => {
    // Nobody can be in a round that hasn't begun.
    const possible = results.map((each) =>
      resultOf(batch, { ...each, round: Math.min(each.round, round), hop: Math.max(0, model[each.row]!.hop - each.hopsBack) }),
    );
    const expected = possible.map((result) => {
      const { recorded, row: after } = rules.record({ ...model[result.row]!, round }, result);
      model[result.row] = after;
      if (recorded) last[result.row] = result;
      else refused++;
      return recorded ? "recorded" : "refused";
    });
    expect(await Promise.all(possible.map((result) => states.record(result)))).toEqual(expected);
  };

  const bring = async ({ row: at, hop, part, outcome }: Extract<Operation, { kind: "bring" }>) => {
    const slot = `${at}.${hop}`;
    const { isThere, brought, isWhole } = rules.bring(parts.get(slot) ?? [undefined, undefined], part, outcome);
    parts.set(slot, brought);
    const reply = await states.bring({ batch, row: at }, hop, { part, parts: 2, ...(outcome === undefined ? {} : { json: outcome }) });
    const { kind, hop: last } = model[at]!;
    const isGone = kind === "done" || (kind === "open" && last > hop);
    expect(reply).toEqual({ isThere, isGone, all: isThere && isWhole ? brought : [] });
  };

  const pause = async (wanted: boolean) => {
    await states.pause(batch, wanted);
    if (!isOver()) isPaused = wanted;
    expect((await states.status(batch))?.paused).toBe(isPaused);
  };

  /** The reconciler found the row in no queue, and its producer adds it again. */
  const vanish = async (at: number) => {
    const before = model[at]!;
    const entry = await client.hget(batchKeys(batch).open, String(at));
    expect(await states.miss(batch, [{ row: at, entry: entry ?? "" }])).toBe(entry === null ? 0 : 1);
    // An entry that has changed since it was seen is nobody's to act on.
    expect(await states.miss(batch, [{ row: at, entry: "0|0|1|1" }])).toBe(0);
    const again = before.kind === "open" ? rules.readd(before) : before;
    expect(await states.readd(batch, [at])).toEqual([before.kind === "open" ? again.hop : "gone"]);
    model[at] = again;
  };

  /** Ends the batch if every row has its result, and opens its errors again; a batch that isn't over refuses. */
  const retry = async () => {
    if (counts().done < ROWS) {
      const { before } = await states.beginRetry(batch);
      return assert.equal(before, isSealed ? "sealed" : "open");
    }
    await states.seal(batch, ROWS);
    await drain();
    expect((await states.status(batch))?.state).toBe("finished");
    round++;
    retries++;
    expect(await states.beginRetry(batch)).toEqual({ before: "finished", round });
    isPaused = false;
    for (const [at, result] of last.entries()) {
      if (result?.status !== "error") continue;
      const again = rules.retry({ ...model[at]!, round: round - 1 }, result.hop + rules.HOP_GAP);
      expect(await states.reopen(batch, [{ row: at, hop: again.hop, bytes: ROW_BYTES }], WINDOW.rows)).toEqual([again.hop]);
      expect(await states.reopen(batch, [{ row: at, hop: again.hop, bytes: ROW_BYTES }], WINDOW.rows)).toEqual([again.hop]);
      model[at] = again;
    }
    await states.seal(batch, ROWS);
    isSealed = true;
  };

  /** What the recorder does: every entry of the stream counts once, and is gone then. */
  const drain = async () => {
    await stream.lease(batch, 60_000);
    const { entries, after } = await stream.read(batch, 10_000);
    const results = entries.filter((entry) => !entry.isExtra);
    const bytes = results.reduce((sum, entry) => sum + entry.bytes, 0);
    const lastId = entries.at(-1)?.id;
    const counted = { after, results: results.length, bytes, extraRows: [], sums: new Map() };
    await stream.stored(batch, lastId === undefined ? undefined : { ...counted, lastId });
    await stream.release(batch);
    refused -= entries.length - results.length;
    expect(refused).toBe(0);
  };

  return {
    batch,
    async run(each: Operation): Promise<void> {
      switch (each.kind) {
        case "note":
          return note(each.row);
        case "claim":
          return claim(each.claims);
        case "record":
          return record(each.results);
        case "bring":
          return bring(each);
        case "pause":
          return pause(each.isPaused);
        case "vanish":
          return vanish(each.row);
        case "retry":
          return retry();
      }
    },
    async compareCounts() {
      expect(await states.status(batch)).toMatchObject({ ...counts(), round });
      const extras = (await stream.read(batch, 10_000)).entries.filter((entry) => entry.isExtra);
      expect(extras).toHaveLength(refused);
    },
  };
}

function resultOf(
  batch: string,
  of: { readonly row: number; readonly round: number; readonly hop: number; readonly status: Result["status"] },
): Result {
  const base = { batch, task: TASK, row: of.row, round: of.round, hop: of.hop, trail: [], reroutes: 0, enqueuedAt: 1, finishedAt: 2 };
  if (of.status === "error")
    return { ...base, status: "error", error: { code: "exhausted", message: "every model was tried" }, input: { text: "a" } };
  return { ...base, status: "answered", model: "alpha/one", answer: { text: "b", finish: { unified: "stop", raw: null } } };
}
