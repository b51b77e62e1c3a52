// What the dashboard does in the browser: asks /api/status every second and shows it. Text is only ever set as text, never as markup.
//
// The rate of a batch is that of the last half minute that this page has seen; before, and for batches that are over, the average.

import { DASHBOARD_SPEND } from "./dashboard-spend.ts";

export const DASHBOARD_SCRIPT = String.raw`
"use strict";
const POLL_MS = 1000, RATE_OVER_MS = 30000;
const samples = new Map();
const shown = new Map();
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const cents = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

const count = (n) => whole.format(n);
const usd = (nano) => {
  const n = nano / 1e9;
  return "$" + (n === 0 || n >= 1 ? cents.format(n) : n >= 0.01 ? n.toFixed(4) : n.toFixed(Math.min(9, 1 - Math.floor(Math.log10(n)))));
};
const duration = (ms) => {
  const s = Math.max(0, Math.round(ms / 1000)), two = (n) => String(n).padStart(2, "0");
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min " + two(s % 60) + " s";
  if (s < 172800) return Math.floor(s / 3600) + " h " + two(Math.floor((s % 3600) / 60)) + " min";
  return Math.floor(s / 86400) + " d " + two(Math.floor((s % 86400) / 3600)) + " h";
};
const perSecond = (n) => (n >= 100 ? count(n) : n.toFixed(1)) + "/s";
const perMinute = (n) => (n === 0 || n >= 10 ? count(n) : n.toFixed(1));

function element(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}
const number = (n, text = count(n), className = "") => element("td", "number " + (n === 0 ? "zero" : className), text);
const badge = (kind, text) => element("span", "badge " + kind, text);
const note = (text) => element("div", "note", text);
function link(href, text) {
  const node = element("a", "", text);
  node.href = href;
  return node;
}
const queueLink = (queue, text) => link("/queues/queue/" + encodeURIComponent(queue.name), text);
function width(share) {
  const node = element("i", "");
  node.style.width = 100 * share + "%";
  return node;
}

/** Fills a place anew only when what it shows has changed, so that a selection survives. */
function fill(id, data, build) {
  const key = JSON.stringify(data);
  if (shown.get(id) === key) return;
  shown.set(id, key);
  document.getElementById(id).replaceChildren(...build());
}
function table(columns, rows) {
  const head = element("tr", "", ...columns.map((name) => element("th", name.startsWith("#") ? "number" : "", name.replace("#", ""))));
  return element("table", "", element("thead", "", head), element("tbody", "", ...rows));
}

function isOver(batch) {
  return batch.state === "finished" || batch.state === "cancelled";
}
function rateOf(batch, at) {
  if (isOver(batch)) return batch.finishedAt > batch.createdAt ? (1000 * batch.done) / (batch.finishedAt - batch.createdAt) : 0;
  const points = samples.get(batch.batch) ?? [];
  samples.set(batch.batch, points);
  if (points.at(-1)?.done > batch.done) points.length = 0;
  if (points.at(-1)?.at !== at) points.push({ at, done: batch.done });
  while (points.length > 2 && points[1].at <= at - RATE_OVER_MS) points.shift();
  const first = points.length > 1 ? points[0] : { at: batch.createdAt, done: 0 };
  return at > first.at ? (1000 * (batch.done - first.done)) / (at - first.at) : 0;
}

function stateBadge(batch) {
  if (isOver(batch)) return badge(batch.state === "cancelled" ? "warn" : batch.failed > 0 ? "warn" : "good", batch.state);
  if (batch.cancelling) return badge("warn", "cancelling");
  if (batch.paused) return badge("warn", "paused");
  return badge("accent", { open: "reading rows", sealed: "running", finalizing: "storing" }[batch.state]);
}
function timeLeft(batch, rate, at) {
  if (isOver(batch)) return "took " + duration(batch.finishedAt - batch.createdAt);
  const rows = batch.total === undefined ? undefined : batch.total - batch.done;
  if (rows === 0 || batch.paused) return "–";
  return rows === undefined || !(rate > 0) ? "unknown" : duration((1000 * rows) / rate);
}
function batchRow(batch, rate, at) {
  const of = batch.total ?? batch.cursor, share = of > 0 ? batch.done / of : 0;
  const text = count(batch.done) + " of " + count(of) + (batch.total === undefined ? "+" : " · " + (Math.floor(1000 * share) / 10).toFixed(1) + " %");
  const bar = element("div", "bar", width(of > 0 ? batch.answered / of : 0), width(of > 0 ? batch.failed / of : 0));
  return element("tr", "",
    element("td", "name", batch.batch, note(batch.task + (batch.round > 0 ? " · retry " + batch.round : ""))),
    element("td", "", stateBadge(batch)),
    element("td", "progress", bar, note(text)),
    number(batch.answered), number(batch.failed, undefined, "bad"), number(batch.rerouted),
    number(rate, perSecond(rate)), element("td", "number", timeLeft(batch, rate, at)),
    number(batch.calls), number(batch.duplicateCalls), number(batch.costNanoUsd, usd(batch.costNanoUsd)));
}

function breakerCell({ breaker, isConfigured }, at) {
  const cell = element("td", "breaker");
  if (!isConfigured) cell.append(badge("", "not configured"));
  else cell.append(badge({ closed: "good", "half-open": "warn", open: "bad" }[breaker.kind], breaker.kind));
  if (breaker.kind === "open") cell.append(" ", element("span", "note soon", "tried again in " + duration(breaker.openUntil - at)));
  if (breaker.reason) {
    const reason = note(breaker.reason);
    reason.classList.add("reason");
    reason.title = breaker.reason;
    cell.append(reason);
  }
  return cell;
}
const heldMs = ({ use, parkedMs }, at) => Math.max(parkedMs, use.heldUntil - at, 0);
/** The dimension nearest to its limit as a bar, all of them on hover; below, what keeps the model from more. */
function limitCell(model, at) {
  const { dimensions, pacePerMinute } = model.use, cell = element("td", "limit"), held = heldMs(model, at);
  const [tightest] = dimensions.toSorted((a, b) => b.taken / b.limit - a.taken / a.limit);
  if (tightest) {
    const share = tightest.taken / tightest.limit;
    const text = Math.round(100 * share) + " % of " + count(tightest.limit) + " " + tightest.dimension;
    cell.append(element("div", "bar use", width(Math.min(1, share))), note(text), tightest.isVendors ? note("the vendor's own limit") : "");
    cell.title = dimensions.map(({ dimension, taken, limit, isVendors }) =>
      dimension + ": " + count(taken) + " of " + count(limit) + (dimension === "rpd" ? " per day" : " per minute") + (isVendors ? ", by the vendor's word" : "")).join("\n");
  } else cell.append(element("span", "zero", model.isConfigured ? "no limits" : "–"));
  if (held > 0) cell.append(badge("warn", "held " + duration(held)));
  if (pacePerMinute !== undefined) cell.append(badge("warn", "paced " + count(pacePerMinute) + "/min"));
  return cell;
}
function inFlightCell({ use, slots, isConfigured }) {
  if (!isConfigured) return element("td", "number zero", "–");
  const cell = number(use.inFlight);
  cell.append(element("span", "of", " / " + count(slots)));
  return cell;
}
function modelRow(model, queue, at) {
  const cost = element("td", "number" + (model.costNanoUsd === 0 ? " zero" : ""), usd(model.costNanoUsd));
  if (model.isConfigured && !model.isPriced) cost.append(note("no price"));
  return element("tr", "", element("td", "name model", queue ? queueLink(queue, model.model) : model.model), breakerCell(model, at), limitCell(model, at),
    number(model.use.callsPerMinute, perMinute(model.use.callsPerMinute)), inFlightCell(model), number(model.waiting), number(model.delayed), number(model.calls), cost);
}

const percent = (share) => (100 * share).toFixed(1) + " %";
function workRow({ task, purpose, model, stats, fallenFrom }) {
  const isAgreement = purpose === "agreement", nothing = () => element("td", "number zero", "–");
  const passed = element("td", "number", percent(stats.passRate) + (isAgreement ? " agree" : ""));
  if (fallenFrom !== undefined) passed.append(" ", badge("warn", "was " + percent(fallenFrom)));
  return element("tr", "", element("td", "name", task, purpose === "judge" || purpose === "analyse" ? note(purpose) : ""),
    element("td", "", model.replaceAll("+", " + ")), number(Math.round(stats.calls)), isAgreement ? nothing() : element("td", "number", percent(stats.answerRate)), passed,
    isAgreement || stats.p50Ms === undefined ? nothing() : element("td", "number", count(stats.p50Ms) + " / " + count(stats.p95Ms) + " ms"),
    isAgreement || stats.costNanoUsd === undefined ? nothing() : element("td", "number", usd(Math.round(stats.costNanoUsd))));
}

${DASHBOARD_SPEND}
/** Averages fade for ever: rounded, an idle page stands still. */
function settled(model) {
  const { use } = model, dimensions = use.dimensions.map((each) => ({ ...each, taken: Math.round(each.taken) }));
  return { ...model, use: { ...use, dimensions, callsPerMinute: Math.round(10 * use.callsPerMinute) / 10 } };
}
function render(status) {
  const { at, queues, processes } = status, models = status.models.map(settled);
  const batches = status.batches.toSorted((a, b) => isOver(a) - isOver(b)); // live ones on top, each kind newest first
  const rates = batches.map((batch) => rateOf(batch, at));
  const live = batches.filter((batch) => !isOver(batch));
  const sum = (list, field) => list.reduce((all, each) => all + each[field], 0);
  const ratesNow = live.reduce((all, batch) => all + rates[batches.indexOf(batch)], 0);
  const queueOf = new Map(models.map((model) => [model.model, queues.find((queue) => queue.title === "model " + model.model)]));
  const others = queues.filter((queue) => ![...queueOf.values()].includes(queue));
  const configured = models.filter((model) => model.isConfigured), isTimed = models.some((model) => model.breaker.kind === "open" || heldMs(model, at) > 0);
  const open = configured.filter((model) => model.breaker.kind === "open");
  const tiles = [
    [live.length, count(live.length), live.length === 1 ? "live batch" : "live batches"],
    [ratesNow, perSecond(ratesNow), "results, all batches"],
    [1, count(sum(queues, "waiting") + sum(queues, "delayed")), "jobs waiting"],
    [1, count(sum(models.map((model) => model.use), "inFlight")), "calls in flight"],
    [1, usd(status.spendToday.costNanoUsd), "spent today"],
    [1, open.length === 0 ? "all" : configured.length - open.length + " of " + configured.length, "models available"],
  ];
  fill("tiles", tiles, () => tiles.map(([, value, label]) => element("div", "tile", element("b", "", value), element("span", "", label))));
  fill("warnings", status.warnings, () => status.warnings.map((text) => element("div", "warning", text)));
  fill("batches", [batches, rates], () => batches.length === 0
    ? [element("p", "empty", "No batches yet. Start one with ", element("code", "", "modelfleet run FILE --task TASK -o OUT"), ".")]
    : [table(["Batch", "State", "Progress", "#Answered", "#Failed", "#Rerouted", "#Rate", "#Time left", "#Calls", "#Duplicates", "#Cost"],
        batches.map((batch, i) => batchRow(batch, rates[i], at)))]);
  document.getElementById("left-out").textContent = status.batchesLeftOut > 0 ? "and " + count(status.batchesLeftOut) + " older" : "";
  fill("models", [models, isTimed && at], () => [
    table(["Model", "Breaker", "Limit use", "#Calls/min", "#In flight / slots", "#Waiting", "#Delayed", "#Calls", "#Cost"], models.map((model) => modelRow(model, queueOf.get(model.model), at)))]);
  showSpend(status.spendToday);
  fill("work", status.work, () => status.work.length === 0 ? [element("p", "empty", "No calls of late.")]
    : [table(["Task", "Model", "#Calls of late", "#Answered", "#Passed checks", "#p50 / p95", "#Cost each"], status.work.map(workRow))]);
  fill("queues", others, () => [table(["Queue", "#Waiting", "#Active", "#Delayed", "#Dead"], others.map((queue) =>
    element("tr", "", element("td", "name", queueLink(queue, queue.title)), number(queue.waiting), number(queue.active), number(queue.delayed),
      number(queue.failed, undefined, "bad"))))]);
  fill("processes", [processes.map(({ at, ...each }) => each), Math.floor(at / 10000)], () => processes.length === 0
    ? [element("p", "empty", "No process is running.")]
    : [table(["Process", "Host", "#Pid", "#Up", "#Configuration"], processes.map((each) => {
        const hash = element("td", "number", element("code", "", each.configHash.slice(0, 8)));
        if (each.configHash !== status.configHash) hash.append(" ", badge("warn", "differs"));
        return element("tr", "", element("td", "name", each.roles.join(", ")), element("td", "", each.host), element("td", "number", String(each.pid)),
          element("td", "number", duration(at - each.startedAt)), hash);
      }))]);
}

async function poll() {
  const pulse = document.getElementById("pulse");
  try {
    const response = await fetch("/api/status", { cache: "no-store", signal: AbortSignal.timeout(10000) });
    const body = await response.json();
    if (!response.ok) throw new Error(body.error ?? "status " + response.status);
    render(body);
    pulse.className = "";
    pulse.textContent = "live · " + new Date(body.at).toLocaleTimeString();
  } catch (error) {
    pulse.className = "lost";
    pulse.textContent = error instanceof TypeError || error.name === "TimeoutError" ? "this server does not answer" : error.message;
  }
  setTimeout(poll, POLL_MS);
}
poll();
`;
