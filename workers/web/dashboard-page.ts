// The dashboard as one page that needs nothing else: its style and script are part of it, and the page's policy allows just those two, by their digests.

import { createHash } from "node:crypto";
import { DASHBOARD_SCRIPT } from "./dashboard-script.ts";
import { DASHBOARD_STYLE } from "./dashboard-style.ts";
import { LOGO } from "./logo.ts";

export const DASHBOARD_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>modelfleet</title>
<link rel="icon" href="${LOGO}">
<style>${DASHBOARD_STYLE}</style>
</head>
<body>
<header>
  <h1>modelfleet</h1>
  <span id="pulse" role="status">loading</span>
  <nav><a href="/queues">Queues</a><a href="/metrics">Metrics</a><a href="/api/status">JSON</a></nav>
</header>
<main>
  <noscript><p class="warning">This page needs JavaScript; the same numbers are at <a href="/api/status">/api/status</a>.</p></noscript>
  <div id="tiles"></div>
  <div id="warnings" role="status"></div>
  <section><h2>Batches<small id="left-out"></small></h2><div id="batches"></div></section>
  <section><h2>Models<small>calls and cost of the batches above</small></h2><div id="models"></div></section>
  <section><h2>Spend today<small id="spend-day"></small></h2><div id="spend"></div></section>
  <section><h2>Work<small>how the models have done on each task of late</small></h2><div id="work"></div></section>
  <div class="columns">
    <section><h2>Queues<small>those of the models are above</small></h2><div id="queues"></div></section>
    <section><h2>Processes</h2><div id="processes"></div></section>
  </div>
</main>
<footer>Calls and costs are counted as results are stored.</footer>
<script>${DASHBOARD_SCRIPT}</script>
</body>
</html>
`;

const digestOf = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

export const DASHBOARD_POLICY = [
  "default-src 'none'",
  `script-src ${digestOf(DASHBOARD_SCRIPT)}`,
  `style-src ${digestOf(DASHBOARD_STYLE)}`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");
