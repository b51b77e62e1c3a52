// A lock between processes of one machine: a file made exclusively, with its holder's process id. A dead holder's lock is taken over.

import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { StoppedError } from "../src/job/errors.ts";

const RETRY_MS = 25;
const LONGEST_WAIT_MS = 120_000;

/** Runs `action` while holding the lock file `path`. @throws StoppedError when a live process holds it for two minutes. */
export async function withLock<Value>(path: string, action: () => Promise<Value>): Promise<Value> {
  const mine = `${process.pid} ${randomUUID()}`;
  const giveUpAt = performance.now() + LONGEST_WAIT_MS;
  while (!(await isTaken(path, mine))) {
    const holder = await readFile(path, "utf8").catch(() => undefined);
    if (holder !== undefined && !isAlive(Number.parseInt(holder, 10))) await breakLock(path, holder);
    else if (performance.now() > giveUpAt) {
      throw new StoppedError(
        `The lock ${path} is held by process ${Number.parseInt(holder ?? "", 10)}`,
        "End that process, or remove the file if it hangs.",
      );
    } else await sleep(RETRY_MS);
  }
  try {
    return await action();
  } finally {
    await rm(path, { force: true });
  }
}

/** Made whole under another name first: no one sees a lock without its holder. */
async function isTaken(path: string, mine: string): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, mine, { mode: 0o600 });
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Takes a dead holder's lock away; if another process was faster and it is a new one by now, puts it back. */
async function breakLock(path: string, deadHolder: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await readFile(aside, "utf8")) !== deadHolder) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

/** Whether a process of that id runs. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
