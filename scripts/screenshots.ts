// Pictures for the documentation: opens the pages of a running fleet, or a report, in a headless Chromium and saves what it shows. A tool for developers, not a
// command.
//
//   node scripts/screenshots.ts http://localhost:3000 docs/images
//   node scripts/screenshots.ts report.html docs/images
//
// test/report/sample-store.ts makes a store of made-up work for the report.

import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium, type Browser, type Page } from "playwright-core";

const BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const BROWSER_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
const SIZE = { width: 1280, height: 860 };
const PATIENCE_MS = 20_000;
/** Rates need a few readings. */
const SETTLE_MS = 4_000;
/** Bull Board asks for them, the page's policy refuses them. */
const REFUSED_FONTS = "fonts.googleapis.com";

interface Shot {
  readonly file: string;
  readonly path: string;
  /** Resolves when the page shows what is to be seen. */
  readonly ready: (page: Page) => Promise<unknown>;
}

const SHOTS: readonly Shot[] = [
  { file: "dashboard.png", path: "/", ready: (page) => page.locator("#pulse", { hasText: "live" }).waitFor() },
  { file: "bull-board.png", path: "/queues", ready: (page) => page.getByText("dead letters").first().waitFor() },
];

/** Down to the models, which fits a page of documentation. */
const REPORT_SIZE = { width: 1090, height: 1120 };

async function takeReport(browser: Browser, file: string, folder: string): Promise<void> {
  const page = await browser.newPage({ viewport: REPORT_SIZE, colorScheme: "light" });
  await page.goto(pathToFileURL(file).href);
  await page.locator("figure").first().waitFor();
  await page.screenshot({ path: join(folder, "report.png") });
  await page.close();
}

async function take(browser: Browser, url: string, folder: string, { file, path, ready }: Shot): Promise<void> {
  const page = await browser.newPage({ viewport: SIZE, colorScheme: "light" });
  page.setDefaultTimeout(PATIENCE_MS);
  page.on("pageerror", (error) => console.error(`${file}: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes(REFUSED_FONTS)) console.error(`${file}: ${message.text()}`);
  });
  await page.goto(new URL(path, url).href);
  await ready(page);
  await page.waitForTimeout(SETTLE_MS);
  await page.screenshot({ path: join(folder, file) });
  await page.close();
}

const [url, folder] = process.argv.slice(2);
const executablePath = BROWSERS.find((path) => existsSync(path));
if (!url || !folder) {
  console.error("usage: node scripts/screenshots.ts URL|REPORT.html FOLDER");
  process.exitCode = 2;
} else if (!executablePath) {
  console.error(`no Chromium at ${BROWSERS.join(", ")}. Install one: apt-get install chromium.`);
  process.exitCode = 1;
} else {
  await mkdir(folder, { recursive: true });
  const browser = await chromium.launch({ executablePath, args: BROWSER_ARGS });
  try {
    if (url.endsWith(".html")) await takeReport(browser, url, folder);
    else for (const shot of SHOTS) await take(browser, url, folder, shot);
  } finally {
    await browser.close();
  }
}
