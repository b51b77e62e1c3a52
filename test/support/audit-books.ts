// Holds the fleet's ledger against what the simulated vendors charged, call by call: every call of a row is told by its prompt.

import type { LedgerEntry } from "../../src/job/ledger.ts";
import { promptDigest, type CallRecord } from "../../src/simulator/simulator-ledger.ts";

export interface Audit {
  readonly truthNanoUsd: number;
  /** Entries of calls whose usage arrived, and of those whose usage never did. */
  readonly exactNanoUsd: number;
  readonly exactCalls: number;
  readonly uncertainNanoUsd: number;
  readonly uncertainCalls: number;
  /** What the vendors charged of the uncertain calls, and for how many of them. */
  readonly chargedNanoUsd: number;
  readonly chargedCalls: number;
  readonly vendorsCalls: number;
  /** What can't be right, whatever arrived and whatever didn't: empty, or a line for each. */
  readonly slips: readonly string[];
}

/** `prompts`: the text of each row's prompt, by row. Without them, as where judges put answers into prompts, calls are told apart by their model and cost alone. */
export function auditBooks(options: {
  readonly entries: readonly LedgerEntry[];
  readonly charges: readonly CallRecord[];
  readonly prompts?: readonly string[];
}): Audit {
  const { entries, charges, prompts } = options;
  const rows = new Map(prompts?.map((text, row) => [promptDigest(text), row]));
  const slips: string[] = [];
  const byPlace = new Map<string, { calls: CallRecord[]; entries: LedgerEntry[] }>();
  const at = (row: number | undefined, model: string) => {
    const place = prompts ? `row ${row} at ${model}` : model;
    let found = byPlace.get(place);
    if (!found) byPlace.set(place, (found = { calls: [], entries: [] }));
    return found;
  };
  for (const call of charges) at(rows.get(call.prompt), `${call.vendor}/${call.model}`).calls.push(call);
  const known = new Set<string>();
  for (const entry of entries) {
    if (known.has(entry.call)) slips.push(`${entry.call} is booked twice`);
    known.add(entry.call);
    at(entry.row, entry.model).entries.push(entry);
  }

  let [chargedNanoUsd, chargedCalls] = [0, 0];
  for (const [place, { calls, entries: booked }] of byPlace) {
    if (calls.length > booked.length) slips.push(`${place}: the vendor saw ${calls.length} calls, ${booked.length} are booked`);
    const unseen = calls.filter(({ ending }) => ending === "answered").map(({ costNanoUsd }) => costNanoUsd);
    for (const { costNanoUsd, call } of booked.filter(({ outcome, costNanoUsd: cost }) => outcome !== "uncertain" && cost > 0)) {
      const found = unseen.indexOf(costNanoUsd);
      if (found < 0) slips.push(`${place}: ${call} is booked at ${costNanoUsd}, which the vendor never charged`);
      else unseen.splice(found, 1);
    }
    const uncertain = booked.filter(({ outcome }) => outcome === "uncertain").length;
    if (unseen.length > uncertain)
      slips.push(`${place}: ${unseen.length} charges of calls that never arrived, ${uncertain} calls are booked as uncertain`);
    chargedCalls += unseen.length;
    chargedNanoUsd += sumOf(unseen);
  }

  const uncertain = entries.filter(({ outcome }) => outcome === "uncertain");
  const exact = entries.filter(({ outcome }) => outcome !== "uncertain");
  return {
    truthNanoUsd: sumOf(charges.map(({ costNanoUsd }) => costNanoUsd)),
    exactNanoUsd: sumOf(exact.map(({ costNanoUsd }) => costNanoUsd)),
    exactCalls: exact.length,
    uncertainNanoUsd: sumOf(uncertain.map(({ costNanoUsd }) => costNanoUsd)),
    uncertainCalls: uncertain.length,
    chargedNanoUsd,
    chargedCalls,
    vendorsCalls: charges.length,
    slips,
  };
}

/** As a person reads it. */
export function describeAudit({ truthNanoUsd, exactNanoUsd, uncertainNanoUsd, ...of }: Audit): string {
  const bookedNanoUsd = exactNanoUsd + uncertainNanoUsd;
  return [
    `charged by the vendors  ${dollars(truthNanoUsd)}  ${of.vendorsCalls} calls`,
    `booked exactly          ${dollars(exactNanoUsd)}  ${of.exactCalls} calls`,
    `booked as uncertain     ${dollars(uncertainNanoUsd)}  ${of.uncertainCalls} calls, of which the vendors charged ${of.chargedCalls}: ${dollars(of.chargedNanoUsd)}`,
    `booked in all           ${dollars(bookedNanoUsd)}`,
    `difference              ${dollars(truthNanoUsd - bookedNanoUsd)}, at most ${dollars(uncertainNanoUsd)} by the books`,
    `a call that never arrived is booked at ${dollars(uncertainNanoUsd / Math.max(1, of.uncertainCalls))} on average; those that were charged cost ${dollars(of.chargedNanoUsd / Math.max(1, of.chargedCalls))}`,
  ].join("\n");
}

function dollars(nanoUsd: number): string {
  return `${nanoUsd < 0 ? "-" : ""}$${Math.abs(nanoUsd / 1e9).toFixed(9)}`;
}

function sumOf(amounts: readonly number[]): number {
  return amounts.reduce((sum, amount) => sum + amount, 0);
}
