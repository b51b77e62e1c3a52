// A process's breaker over the fleet's board: keeps a copy of all states, reads it anew every `refreshMs`, counts endings here and hands them
// in together. Every change goes through the board's swap, so of two processes with the same idea one wins and the other takes over its result.

import { randomUUID } from "node:crypto";
import { splitModelId, type ModelId } from "../job/names.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Admission, Breaker, BreakerState } from "./breaker.ts";
import { WHOLE_PROVIDER, type BreakerBoard } from "./breaker-board.ts";
import {
  afterProbe,
  afterTally,
  afterTrip,
  mayProbe,
  visibleState,
  withProbe,
  worseState,
  type BreakerSettings,
  type StoredBreaker,
} from "./breaker-machine.ts";
import { createEndingCounts } from "./ending-counts.ts";

/** How long a call blocked by another one's probe is asked to stay away. */
const PROBE_PAUSE_MS = 500;
const LONGEST_STOP_MS = 2_000;

export interface BoardBreakerOptions {
  readonly board: BreakerBoard;
  readonly clock: Clock;
  readonly models: Iterable<ModelId>;
  readonly refreshMs: number;
  readonly settings: BreakerSettings;
}

/** A breaker that this process may have to decide by a probe's report. */
interface HeldProbe {
  readonly field: string;
  readonly probe: string;
}

export function createBoardBreaker({ board, clock, models, refreshMs, settings }: BoardBreakerOptions): Breaker {
  const providers = new Set(Array.from(models, (model) => splitModelId(model).provider));
  /** Texts as the board keeps them, by provider and field. */
  const copies = new Map<string, Map<string, string>>();
  const probes = new Map<ModelId, readonly HeldProbe[]>();
  const stopped = new AbortController();
  /** The board's time minus ours. */
  let aheadMs = 0;

  const now = () => clock.now() + aheadMs;

  const textOf = (provider: string, field: string) => copies.get(provider)?.get(field);

  const keep = (provider: string, field: string, text: string | undefined) => {
    const copy = copies.get(provider) ?? new Map<string, string>();
    copies.set(provider, copy);
    if (text === undefined) copy.delete(field);
    else copy.set(field, text);
  };

  const refresh = async (provider: string) => {
    const copy = await board.read(provider);
    aheadMs = copy.now - clock.now();
    copies.set(provider, new Map(copy.states));
  };

  /** Applies `change` to a breaker, again if another process was faster. Answers whether `change` had its way (it may decline with "leave"). */
  const update = async (
    provider: string,
    field: string,
    change: (stored: StoredBreaker | undefined) => StoredBreaker | undefined | "leave",
  ): Promise<boolean> => {
    for (;;) {
      const expected = textOf(provider, field);
      const next = change(parse(expected));
      if (next === "leave") return false;
      const text = next && JSON.stringify(next);
      if (text === expected) return true;
      const actual = await board.swap(provider, field, expected, text);
      keep(provider, field, actual);
      if (actual === text) return true;
    }
  };

  const counts = createEndingCounts({
    clock,
    signal: stopped.signal,
    async handIn(provider, tallies) {
      const { now: boardNow, windows } = await board.count(provider, tallies);
      for (const [field, tally] of windows) {
        await update(provider, field, (stored) => afterTally(stored, tally, boardNow, settings) ?? "leave");
      }
    },
  });

  const decide = async (model: ModelId, ending: "ok" | "failed") => {
    const held = probes.get(model) ?? [];
    probes.delete(model);
    const { provider } = splitModelId(model);
    for (const { field, probe } of held) {
      await update(provider, field, (stored) => (isHeld(stored, probe) ? afterProbe(stored, { probe, ending }, now(), settings) : "leave"));
    }
  };

  /** Claims the probe of every breaker above the model that may be probed: all, or none. */
  const claimProbe = async (model: ModelId, fields: readonly string[]): Promise<Admission> => {
    const { provider } = splitModelId(model);
    const probe = randomUUID();
    const held: HeldProbe[] = [];
    for (const field of fields) {
      let isClosed = false;
      const isClaimed = await update(provider, field, (stored) => {
        isClosed = stored === undefined;
        return withProbe(stored, probe, now(), settings) ?? "leave";
      });
      if (isClaimed) held.push({ field, probe });
      else if (!isClosed) {
        for (const mine of held) await update(provider, mine.field, (stored) => giveUpProbe(stored, probe, now()));
        return blockedBy(parse(textOf(provider, field)), now());
      }
    }
    if (held.length === 0) return { kind: "call" };
    probes.set(model, held);
    return { kind: "probe" };
  };

  const refreshing = (async () => {
    while (!stopped.signal.aborted) {
      // Redis away: the copy stays as it is.
      await Promise.allSettled(Array.from(providers, refresh));
      await clock.sleep(refreshMs, stopped.signal);
    }
  })();

  return {
    state(model) {
      const { provider } = splitModelId(model);
      const [whole, own] = [WHOLE_PROVIDER, model].map((field) => visibleState(parse(textOf(provider, field)), now()));
      return worseState(whole as BreakerState, own as BreakerState);
    },
    async admit(model) {
      const { provider } = splitModelId(model);
      const time = now();
      const notClosed = [WHOLE_PROVIDER, model].filter((field) => textOf(provider, field) !== undefined);
      const shut = notClosed.map((field) => parse(textOf(provider, field))).filter((stored) => stored && !mayProbe(stored, time));
      const blocks = shut.map((stored) => blockedBy(stored, time));
      if (blocks.length > 0) return blocks.reduce((a, b) => (a.retryInMs >= b.retryInMs ? a : b));
      return notClosed.length === 0 ? { kind: "call" } : claimProbe(model, notClosed);
    },
    report(model, ending) {
      counts.add(splitModelId(model).provider, model, ending);
      // Redis away: the probe's lease runs out and another call tries.
      if (probes.has(model)) void decide(model, ending).catch(() => undefined);
    },
    async trip(subject, reason, openForMs) {
      const provider = "model" in subject ? splitModelId(subject.model).provider : subject.provider;
      const field = "model" in subject ? subject.model : WHOLE_PROVIDER;
      await update(provider, field, (stored) => afterTrip(stored, { reason, openForMs }, now(), settings));
    },
    snapshot() {
      const time = now();
      const states = new Map<string, BreakerState>();
      for (const [provider, copy] of copies) {
        for (const [field, text] of copy) states.set(field === WHOLE_PROVIDER ? provider : field, visibleState(parse(text), time));
      }
      return states;
    },
    async stop() {
      stopped.abort();
      const bound = new AbortController();
      const idle = Promise.all([refreshing, counts.stop()]);
      // Without Redis the last question may stay unanswered.
      await Promise.race([idle, clock.sleep(LONGEST_STOP_MS, bound.signal)]);
      bound.abort();
    },
  };
}

function blockedBy(stored: StoredBreaker | undefined, now: number): Extract<Admission, { kind: "blocked" }> {
  const isOpen = stored?.kind === "open" && stored.openUntil > now;
  const retryInMs = isOpen ? Math.ceil(stored.openUntil - now) : PROBE_PAUSE_MS;
  return { kind: "blocked", reason: stored?.reason ?? "another call is trying it", retryInMs };
}

function isHeld(stored: StoredBreaker | undefined, probe: string): boolean {
  return stored?.kind === "half-open" && stored.probe === probe;
}

/** The probe goes back unused: the next call may have it at once. */
function giveUpProbe(stored: StoredBreaker | undefined, probe: string, now: number): StoredBreaker | "leave" {
  return stored?.kind === "half-open" && stored.probe === probe ? { ...stored, probe: "", leaseUntil: now } : "leave";
}

function parse(text: string | undefined): StoredBreaker | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as StoredBreaker);
}
