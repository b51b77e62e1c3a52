// Pictures for the documentation: opens the pages of a running fleet in a headless Chromium and saves what it shows. A tool for developers, not a command.
//
//   node scripts/screenshots.ts http://localhost:3000 docs/images [queue name]

import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { UsageError } from "../src/job/errors.ts";

const BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const BROWSER_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
const SIZE = { width: 1280, height: 880 };
const PATIENCE_MS = 20_000;
/** Bull Board asks for them, our policy refuses them. */
const REFUSED_FONTS = "fonts.googleapis.com";

interface Shot {
  readonly file: string;
  readonly path: string;
  readonly dark: boolean;
  /** Resolves when the page shows what is to be seen. */
  ready(page: Page): Promise<unknown>;
}

function shots(queue: string): readonly Shot[] {
  const dashboard = { path: "/", ready: (page: Page) => page.locator("#pulse", { hasText: "live" }).waitFor() };
  const queuePath = `/queues/queue/${encodeURIComponent(queue)}`;
  return [
    { file: "dashboard.png", dark: false, ...dashboard },
    { file: "dashboard-dark.png", dark: true, ...dashboard },
    { file: "bull-board.png", path: "/queues", dark: false, ready: (page) => page.getByText("reroute").first().waitFor() },
    { file: "bull-board-queue.png", path: queuePath, dark: false, ready: (page) => page.getByText("Read-only").first().waitFor() },
  ];
}

async function main([url, folder, queue = "{dead}"]: readonly string[]): Promise<void> {
  if (!url || !folder) throw new UsageError("usage: node scripts/screenshots.ts URL FOLDER [QUEUE]");
  const executablePath = BROWSERS.find((path) => existsSync(path));
  if (!executablePath) throw new UsageError(`no Chromium at ${BROWSERS.join(", ")}`, "Install one: apt-get install chromium.");
  await mkdir(folder, { recursive: true });
  const browser = await chromium.launch({ executablePath, args: BROWSER_ARGS });
  try {
    for (const shot of shots(queue)) {
      const page = await browser.newPage({ viewport: SIZE, colorScheme: shot.dark ? "dark" : "light", deviceScaleFactor: 1 });
      page.setDefaultTimeout(PATIENCE_MS);
      page.on("console", (message) => message.type() === "error" && !message.text().includes(REFUSED_FONTS) && console.error(`${shot.file}: ${message.text()}`));
      page.on("pageerror", (error) => console.error(`${shot.file}: ${error.message}`));
      await page.goto(new URL(shot.path, url).href);
      await shot.ready(page);
      await page.waitForTimeout(2_500); // rates need two readings
      await page.screenshot({ path: join(folder, shot.file), fullPage: false });
      await page.close();
    }
  } finally {
    await browser.close();
  }
}

await main(process.argv.slice(2));
