// A PostgreSQL of our own for tests and benches, from the programs installed on this machine: its own port, its own folder, gone when it is stopped.

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { access, chown, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { StoppedError } from "../src/job/errors.ts";
import { readEnvironment } from "../src/runtime/environment.ts";
import { freePort } from "../queues/embedded-redis.ts";

export interface LocalPostgres {
  /** Of the database `postgres`, with the password. */
  readonly url: string;
  /** Ends it at once, as a crash does: it recovers when it is started again. */
  kill(): Promise<void>;
  /** The same port and data. Returns when it answers. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Where its programs are; `missing` says why it can't be started. */
export type PostgresPrograms = { readonly dir: string } | { readonly missing: string };

const USER = "modelfleet";
const PASSWORD = "not-to-be-shown";
/** Debian keeps the programs off the PATH, a folder for each version. */
const DEBIAN_DIR = "/usr/lib/postgresql";
const PROGRAMS = ["initdb", "postgres", "pg_isready"];
const START_MS = 30_000;
const run = promisify(execFile);

export async function findPostgresPrograms(): Promise<PostgresPrograms> {
  const versions = await readdir(DEBIAN_DIR).catch((): string[] => []);
  const debian = versions.toSorted((a, b) => Number(b) - Number(a)).map((version) => join(DEBIAN_DIR, version, "bin"));
  const onPath = (readEnvironment().variable("PATH") ?? "").split(delimiter).filter((dir) => dir !== "");
  for (const dir of [...onPath, ...debian]) {
    const found = await Promise.all(PROGRAMS.map((name) => access(join(dir, name)).then(...YES_NO)));
    if (!found.every(Boolean)) continue;
    if (isRoot() && !(await postgresUser())) return { missing: "PostgreSQL refuses to run as root, and there is no user postgres" };
    return { dir };
  }
  return { missing: "no PostgreSQL: set POSTGRES_URL to one where databases may be made, or install it (apt-get install postgresql)" };
}

/** `isSafe`: with fsync, as in production; tests of behaviour do without. */
export async function startLocalPostgres({ dir }: { readonly dir: string }, options: { readonly isSafe: boolean }): Promise<LocalPostgres> {
  const user = isRoot() ? await postgresUser() : undefined;
  const home = await mkdtemp(join(tmpdir(), "modelfleet-postgres-"));
  const data = join(home, "data");
  const passwordFile = join(home, "password");
  await writeFile(passwordFile, PASSWORD);
  if (user) for (const path of [home, passwordFile]) await chown(path, user.uid, user.gid);
  const as = user ? { uid: user.uid, gid: user.gid, cwd: home } : { cwd: home };
  await run(
    join(dir, "initdb"),
    ["-D", data, "-U", USER, "--pwfile", passwordFile, "--auth=scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"],
    as,
  );
  const port = await freePort();
  const settings = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    ...(options.isSafe ? {} : { fsync: "off" }),
  };
  const settingArguments = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  let child: ChildProcess | undefined;

  const start = async () => {
    const started = spawn(join(dir, "postgres"), ["-D", data, ...settingArguments], { ...as, stdio: ["ignore", "ignore", "pipe"] });
    child = started;
    let log = "";
    started.stderr.setEncoding("utf8").on("data", (text: string) => (log = (log + text).slice(-2_000)));
    for (const end = Date.now() + START_MS; ;) {
      // It asks for no password.
      const isReady = await run(join(dir, "pg_isready"), ["-h", "127.0.0.1", "-p", String(port), "-q"], as).then(...YES_NO);
      if (isReady) return;
      if (started.exitCode !== null || Date.now() > end) throw new StoppedError(`PostgreSQL did not start: ${log.trim()}`);
      await sleep(25);
    }
  };
  const end = async (signal: "SIGQUIT" | "SIGINT") => {
    const ended = child;
    child = undefined;
    if (!ended || ended.exitCode !== null || ended.signalCode !== null) return;
    const exit = new Promise((resolve) => ended.once("exit", resolve));
    ended.kill(signal);
    await exit;
  };
  // A run that is broken off must not leave its server behind.
  const endNow = () => {
    child?.kill("SIGQUIT");
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once("exit", endNow);
  await start();
  return {
    url: `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/postgres`,
    kill: () => end("SIGQUIT"),
    restart: async () => {
      await end("SIGQUIT");
      await start();
    },
    async stop() {
      await end("SIGINT");
      process.off("exit", endNow);
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

const YES_NO = [() => true, () => false] as const;

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** The user that the package makes. */
async function postgresUser(): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  const ids = await Promise.all(
    ["-u", "-g"].map((option) =>
      run("id", [option, "postgres"]).then(
        ({ stdout }) => Number(stdout),
        () => undefined,
      ),
    ),
  );
  const [uid, gid] = ids;
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}
