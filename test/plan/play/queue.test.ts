import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPlayedQueue as createQueue, type PlayedJob, type PlayedQueue } from "../../../src/plan/play/queue.ts";

const createPlayedQueue = (groups: readonly { readonly rows: number }[], windowRows = 5_000) => createQueue(groups, windowRows);
const groupsOf = (...rows: readonly number[]) => rows.map((each) => ({ rows: each }));

function takeAll(queue: PlayedQueue): readonly PlayedJob[] {
  const found: PlayedJob[] = [];
  for (let job = queue.take(); job; job = queue.take()) found.push(job);
  return found;
}

const countOf = (jobs: readonly PlayedJob[], group: number) => jobs.filter((job) => job.group === group).length;

describe("the queue of a play", () => {
  it("holds all rows of all groups, and is empty when they are taken", () => {
    const queue = createPlayedQueue(groupsOf(3, 0, 2));
    expect(queue.length()).toBe(5);
    const jobs = takeAll(queue);
    expect([0, 1, 2].map((group) => countOf(jobs, group))).toEqual([3, 0, 2]);
    expect([queue.length(), queue.take()]).toEqual([0, undefined]);
    expect(createPlayedQueue([]).take()).toBeUndefined();
  });

  it("mixes the groups evenly: in any stretch each has its share, but for one row or two", () => {
    const rows = fc.array(fc.integer({ min: 0, max: 120 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(rows, (counts) => {
        const jobs = takeAll(createPlayedQueue(groupsOf(...counts)));
        const total = counts.reduce((sum, count) => sum + count, 0);
        expect(jobs).toHaveLength(total);
        const seen = counts.map(() => 0);
        for (const [i, { group }] of jobs.entries()) {
          seen[group]!++;
          for (const [each, count] of counts.entries()) expect(Math.abs(seen[each]! - ((i + 1) * count) / total)).toBeLessThan(2);
        }
      }),
    );
  });

  it("takes parts of rows for whole ones that add up over the groups", () => {
    const rows = fc.array(
      fc.nat(2_000).map((hundredths) => hundredths / 100),
      { minLength: 1, maxLength: 150 },
    );
    fc.assert(
      fc.property(rows, (counts) => {
        const jobs = takeAll(createPlayedQueue(groupsOf(...counts)));
        const total = counts.reduce((sum, count) => sum + count, 0);
        expect(Math.abs(jobs.length - total)).toBeLessThanOrEqual(0.5 + 1e-9);
        for (const [group, count] of counts.entries()) expect(Math.abs(countOf(jobs, group) - count)).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });

  it("has what comes back behind all rows of a small batch, in the order in which it came", () => {
    const queue = createPlayedQueue(groupsOf(10));
    const [first, second] = [queue.take()!, queue.take()!];
    queue.add(second);
    queue.add(first);
    expect(queue.length()).toBe(10);
    const jobs = takeAll(queue);
    expect(jobs.slice(-2)).toEqual([second, first]);
    expect([jobs[8] === second, jobs[9] === first]).toEqual([true, true]);
  });

  it("has what comes back before those rows of a large batch that aren't in the queue yet", () => {
    for (const windowRows of [100, 5_000]) {
      const queue = createPlayedQueue(groupsOf(20_000), windowRows);
      const back = queue.take()!;
      queue.add(back);
      expect(takeAll(queue).indexOf(back)).toBe(windowRows);
    }
  });

  it("gives each row once, however often others come back", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 }), fc.array(fc.boolean(), { maxLength: 100 }), (rows, returns) => {
        const queue = createPlayedQueue(groupsOf(rows));
        const jobs = new Set<PlayedJob>();
        let left = rows;
        for (const isReturned of returns) {
          const job = queue.take();
          if (!job) break;
          jobs.add(job);
          if (isReturned) queue.add(job);
          else left--;
          expect(queue.length()).toBe(left);
        }
        for (const job of takeAll(queue)) jobs.add(job);
        expect(jobs.size).toBe(rows);
      }),
    );
  });
});
