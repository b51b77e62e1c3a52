import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pause, until } from "../support/fleet.ts";
import { answersBy, BACKUP, outcomesAt, startVendorFleet, type VendorCase, type VendorFleet } from "../support/vendor-fleet.ts";

const KINDS = ["openai", "anthropic"] as const;
let vendors: VendorFleet;
beforeAll(async () => {
  vendors = await startVendorFleet({
    ...Object.fromEntries(KINDS.map((kind): [string, VendorCase] => [`storm-${kind}`, {
      kind,
      models: { one: { configured: { limits: { rpm: 6000 } } }, two: { configured: { limits: { rpm: 6000 } } } },
      task: { route: { models: ["one"] }, attempts: 2 },
      tasks: { [`calm-${kind}`]: { route: { models: ["two"] } } },
    }])),
  });
});
afterAll(() => vendors?.stop());

describe.concurrent("a storm", () => {
  for (const kind of KINDS) {
    it(`storm ${kind}`, async () => {
      const name = `storm-${kind}`;
      vendors.setFault(name, { model: "one", fault: "storm", delayMs: 1_000, forMs: 6_000 });
      await Promise.all([vendors.send(name, 300), vendors.send(`calm-${kind}`, 200)]);
      const calm = await vendors.results(`calm-${kind}`);
      console.log(kind, "calm done; storm on:", vendors.fleet.simulator.state().faults.length, answersBy(calm));
      const results = await vendors.results(name);
      console.log(kind, answersBy(results), vendors.seen(name, "one"));
      const counts = results.map((r) => outcomesAt(r, `${name}/one`).length);
      console.log(kind, "most calls of a row", Math.max(...counts), "rows throttled", counts.filter((c) => c > 1).length);
      const calls = vendors.fleet.simulator.ledger().calls!.filter((c) => c.vendor === name && c.model === "one");
      const t0 = calls[0]!.atMs;
      const per: Record<string, string> = {};
      const b: Record<number, [number, number]> = {};
      for (const c of calls) { const k = Math.floor((c.atMs - t0) / 200); b[k] ??= [0, 0]; b[k][c.ending === "answered" ? 1 : 0]++; }
      console.log(kind, JSON.stringify(b));
    }, 60_000);
  }
});
