// The dashboard as one page that needs nothing else: its style and script are part of it, and the page's policy allows just those two, by their digests.

import { createHash } from "node:crypto";
import { DASHBOARD_SCRIPT } from "./dashboard-script.ts";
import { DASHBOARD_STYLE } from "./dashboard-style.ts";

const ICON = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cg fill='%232f6fed'%3E%3Crect x='1' y='2' width='14' height='3' rx='1.5'/%3E%3Crect x='1' y='6.5' width='10' height='3' rx='1.5'/%3E%3Crect x='1' y='11' width='6' height='3' rx='1.5'/%3E%3C/g%3E%3C/svg%3E";

export const DASHBOARD_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>modelfleet</title>
<link rel="icon" href="${ICON}">
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
  <div class="columns">
    <section><h2>Queues</h2><div id="queues"></div></section>
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
