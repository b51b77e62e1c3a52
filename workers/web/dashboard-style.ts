// The look of the dashboard: light or dark as the reader's system says, no fonts or images from anywhere.

export const DASHBOARD_STYLE = `
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #ffffff; --line: #e3e6eb; --text: #1b2027; --muted: #667080; --accent: #2f6fed;
  --good: #1a8a55; --bad: #cc3b33; --warn: #a86b00; --track: #e8ebf0;
  --good-soft: #e2f4ea; --bad-soft: #fbe7e5; --warn-soft: #fbf0da; --accent-soft: #e6eefd; --muted-soft: #eceef2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #11141a; --card: #191d25; --line: #2a303b; --text: #e7eaf0; --muted: #929cab; --accent: #7aa5ff;
    --good: #56cf92; --bad: #ff8078; --warn: #f0b84f; --track: #2a303b;
    --good-soft: #16301f; --bad-soft: #3b1d1c; --warn-soft: #372a12; --accent-soft: #1b2a4a; --muted-soft: #262c36;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 14px/1.45 system-ui, -apple-system, "Segoe UI", sans-serif; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
header, main, footer { max-width: 1240px; margin: 0 auto; padding: 0 20px; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 18px; padding-top: 20px; padding-bottom: 14px; }
h1 { margin: 0; font-size: 20px; letter-spacing: -.01em; }
#pulse { display: inline-flex; align-items: center; gap: 7px; color: var(--muted); }
#pulse::before { content: ""; width: 8px; height: 8px; border-radius: 50%; background: var(--good); }
#pulse.lost { color: var(--bad); }
#pulse.lost::before { background: var(--bad); }
nav { margin-left: auto; display: flex; gap: 16px; }
#tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin-bottom: 16px; }
.tile, section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.tile { padding: 12px 16px; }
.tile b { display: block; font-size: 22px; font-weight: 600; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
.tile span { color: var(--muted); }
.warning { margin-bottom: 12px; padding: 10px 16px; border-radius: 10px; background: var(--warn-soft); color: var(--text); border: 1px solid var(--warn); overflow-wrap: anywhere; }
section { margin-bottom: 16px; overflow-x: auto; }
h2 { margin: 0; padding: 13px 16px 9px; font-size: 14px; font-weight: 600; }
h2 small { margin-left: 8px; color: var(--muted); font-weight: 400; font-size: 13px; }
.columns { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 16px; align-items: start; }
@media (max-width: 900px) { .columns { grid-template-columns: minmax(0, 1fr); gap: 0; } }
table { width: 100%; border-collapse: collapse; }
th { padding: 5px 10px; text-align: left; color: var(--muted); font-size: 12px; font-weight: 500; white-space: nowrap; border-bottom: 1px solid var(--line); }
td { padding: 8px 10px; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
th:first-child, td:first-child { padding-left: 16px; }
th:last-child, td:last-child { padding-right: 16px; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.name { min-width: 140px; overflow-wrap: anywhere; font-weight: 500; }
.note { color: var(--muted); font-size: 12.5px; font-weight: 400; overflow-wrap: anywhere; }
.zero { color: var(--muted); opacity: .6; }
.bad { color: var(--bad); }
.badge { display: inline-block; padding: 1px 9px; border-radius: 20px; font-size: 12px; font-weight: 500; white-space: nowrap; background: var(--muted-soft); color: var(--muted); }
.badge.good { background: var(--good-soft); color: var(--good); }
.badge.bad { background: var(--bad-soft); color: var(--bad); }
.badge.warn { background: var(--warn-soft); color: var(--warn); }
.badge.accent { background: var(--accent-soft); color: var(--accent); }
.progress { min-width: 180px; }
.bar { display: flex; height: 8px; margin: 6px 0 4px; border-radius: 4px; overflow: hidden; background: var(--track); }
.bar i { background: var(--good); }
.bar i + i { background: var(--bad); }
.bar.use i { background: var(--accent); }
.name.model { min-width: 170px; }
.soon { white-space: nowrap; }
.limit { min-width: 140px; }
.limit .badge { margin: 3px 6px 0 0; }
.breaker { min-width: 150px; max-width: 300px; }
.reason { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; }
.of { color: var(--muted); }
.switch { display: flex; gap: 4px; padding: 0 16px 8px; }
button { padding: 2px 12px; border: 1px solid var(--line); border-radius: 20px; background: none; color: var(--muted); font: inherit; font-size: 12.5px; cursor: pointer; }
button:hover { color: var(--text); }
button[aria-pressed="true"] { background: var(--accent-soft); border-color: var(--accent-soft); color: var(--accent); font-weight: 500; }
.empty { padding: 6px 16px 18px; color: var(--muted); }
code { font: 12.5px ui-monospace, "SF Mono", Menlo, monospace; }
footer { padding-bottom: 28px; color: var(--muted); font-size: 12.5px; }
`;
