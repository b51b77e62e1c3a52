// The dashboard's panel of the day's spend, part of its script: by task, model, tag or tenant, as the reader chooses. Whatever is too much for a page is left out.

export const DASHBOARD_SPEND = String.raw`
const SPEND_LINES = 12;
const SPEND_VIEWS = {
  task: ["Task", (spend) => summed(spend.byTaskAndModel, "task"), () => 0],
  model: ["Model", (spend) => summed(spend.byTaskAndModel, "model"), () => 0],
  tag: ["Tag", (spend) => spend.byTag, (spend) => spend.tagsLeftOut],
  tenant: ["Tenant", (spend) => spend.byTenant, (spend) => spend.tenantsLeftOut],
};
let spendView = "task";

function summed(groups, name) {
  const sums = new Map();
  for (const group of groups) {
    const sum = sums.get(group[name]) ?? { [name]: group[name] };
    for (const [field, value] of Object.entries(group)) if (typeof value === "number") sum[field] = (sum[field] ?? 0) + value;
    sums.set(group[name], sum);
  }
  return [...sums.values()].toSorted((a, b) => b.costNanoUsd - a.costNanoUsd || b.calls - a.calls);
}
function spendName(group) {
  const other = (text) => element("td", "name of", text);
  if (spendView === "tag") return group.tag === undefined ? other("tags not told apart") : element("td", "name", group.tag + " = " + group.value);
  if (spendView === "tenant") return group.tenant === undefined ? other(group.isMixed ? "tenants not told apart" : "without a tenant") : element("td", "name", group.tenant);
  return element("td", "name", group[spendView]);
}
function spendRow(group, whole) {
  const share = whole.costNanoUsd > 0 ? group.costNanoUsd / whole.costNanoUsd : 0, cost = number(group.costNanoUsd, usd(group.costNanoUsd));
  if (group.estimatedNanoUsd > 0) cost.append(note(usd(group.estimatedNanoUsd) + " estimated"));
  return element("tr", "", spendName(group), element("td", "progress", element("div", "bar use", width(Math.min(1, share)))),
    number(group.calls), number(group.duplicateCalls), number(group.inputTokens), number(group.cachedInputTokens), number(group.outputTokens), cost);
}
function spendSwitch(spend) {
  return element("div", "switch", ...Object.entries(SPEND_VIEWS).map(([view, [title]]) => {
    const button = element("button", "", title);
    button.type = "button";
    button.setAttribute("aria-pressed", String(view === spendView));
    button.onclick = () => {
      spendView = view;
      showSpend(spend);
      document.querySelector("#spend [aria-pressed=true]").focus();
    };
    return button;
  }));
}
function showSpend(spend) {
  const [title, groupsOf, leftOutOf] = SPEND_VIEWS[spendView], groups = groupsOf(spend);
  const left = Math.max(0, groups.length - SPEND_LINES) + leftOutOf(spend);
  document.getElementById("spend-day").textContent = spend.day + " in UTC";
  fill("spend", [spend, spendView], () => spend.calls === 0 ? [element("p", "empty", "No calls are stored of this day.")] : [
    spendSwitch(spend),
    groups.length === 0 ? element("p", "empty", "No call of this day has a tag.")
      : table([title, "Share", "#Calls", "#Duplicates", "#Tokens in", "#Cached", "#Tokens out", "#Cost"], groups.slice(0, SPEND_LINES).map((group) => spendRow(group, spend))),
    ...(left > 0 ? [element("p", "empty", "and " + count(left) + " more: modelfleet status --json has all of them")] : []),
    ...(spendView === "tag" && groups.length > 0 ? [element("p", "empty", "A call counts under each of its tags.")] : []),
  ]);
}
`;
