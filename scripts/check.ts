// modelfleet check: is the configuration right, are the keys good, do the connections stand?

import type { Command } from "commander";
import type { Fleet } from "../src/config/fleet.ts";
import { loadFleet } from "../src/config/load.ts";
import { StoppedError } from "../src/job/errors.ts";
import { openStore } from "../src/results/open-store.ts";
import { createProvider } from "../src/providers/create-provider.ts";
import { createPrompt } from "../src/prompt/prompt.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { readEnvironment } from "../src/runtime/environment.ts";
import { requireRedis } from "../queues/connection.ts";
import { configOption } from "./batch-options.ts";
import { say } from "./terminal.ts";

interface Options {
  readonly config?: string;
  readonly json?: boolean;
  readonly offline?: boolean;
}

interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
}

const PROBE_MS = 10_000;

export function registerCheck(program: Command): void {
  configOption(program.command("check"))
    .description("check the configuration, the keys and the connections")
    .option("--offline", "the configuration only")
    .option("--json", "as JSON on standard output")
    .action(async (options: Options) => {
      process.exitCode = await check(options);
    });
}

async function check(options: Options): Promise<number> {
  const fleet = await loadFleet(options.config, { environment: readEnvironment() });
  for (const task of fleet.tasks.values()) createPrompt(task); // throws with the task and line of a broken template
  const findings: Finding[] = [
    {
      what: "configuration",
      ok: true,
      detail: `${fleet.path}: ${fleet.providers.size} providers, ${fleet.models.size} models, ${fleet.tasks.size} tasks`,
    },
  ];
  findings.push(...fleet.unpriced.map((detail) => ({ what: "price", ok: false, detail })));
  if (!options.offline) {
    findings.push(await checkRedis(fleet.redisUrl), await checkStore(fleet));
    const probes = Array.from(fleet.providers.values(), async (spec): Promise<Finding> => {
      const problem = await createProvider({ spec, clock: systemClock }).probe(AbortSignal.timeout(PROBE_MS));
      return { what: `provider ${spec.name}`, ok: problem === undefined, detail: problem ?? "key accepted" };
    });
    findings.push(...(await Promise.all(probes)));
  }
  const ok = findings.every((finding) => finding.ok);
  if (options.json) process.stdout.write(`${JSON.stringify({ ok, findings, warnings: fleet.warnings }, undefined, 2)}\n`);
  else {
    for (const { what, ok: good, detail } of findings) say(`${good ? "ok    " : "FAILED"}  ${what}: ${detail}`);
    for (const warning of fleet.warnings) say(`warning  ${warning}`);
  }
  if (fleet.unpriced.length > 0) return 2; // a fault of the configuration, whatever else fails
  return ok ? 0 : 1;
}

async function checkRedis(url: string | undefined): Promise<Finding> {
  if (url === undefined) return { what: "redis", ok: true, detail: "none configured: `run` and `up` start their own" };
  try {
    const { warnings } = await requireRedis(url);
    return { what: "redis", ok: true, detail: warnings.length > 0 ? warnings.join("; ") : "connected" };
  } catch (error) {
    return { what: "redis", ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

async function checkStore(fleet: Fleet): Promise<Finding> {
  const store = openStore(fleet);
  try {
    return { what: "store", ok: true, detail: await store.probe() };
  } catch (error) {
    const hint = error instanceof StoppedError && error.hint !== undefined ? `. ${error.hint}` : "";
    return { what: "store", ok: false, detail: (error instanceof Error ? error.message : String(error)) + hint };
  } finally {
    await store.stop();
  }
}
