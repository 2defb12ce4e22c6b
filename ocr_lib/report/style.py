"""The report page's style sheet: no fonts, images or scripts from elsewhere."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1b2430; --soft: #5d6978; --line: #dfe3e8;
  --good: #17794c; --good-bg: #e3f4ea; --bad: #b3261e; --bad-bg: #fbe7e5;
  --bar: #3567b5; --bar-2: #a9b4c2; --mark: #ffd9d4; --grid: #e6e9ee;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161c; --card: #1b212a; --ink: #e6eaf0; --soft: #98a4b3; --line: #2e3742;
    --good: #6fd3a0; --good-bg: #173527; --bad: #ff9d94; --bad-bg: #43211f;
    --bar: #6f9fe8; --bar-2: #566273; --mark: #6b2d29; --grid: #2a323d;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: 28px 20px 48px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
main { max-width: 1040px; margin: 0 auto; }
h1 { font-size: 24px; line-height: 1.25; margin: 0 0 2px; }
h2 { font-size: 17px; margin: 0 0 4px; }
p { margin: 0 0 12px; }
.soft { color: var(--soft); }
.small { font-size: 13px; }
section {
  background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 18px 20px; margin-top: 16px;
}
.verdict { display: flex; gap: 14px; align-items: center; border: 0; }
.verdict strong { font-size: 19px; display: block; }
.verdict p { margin: 0; }
.verdict.good { background: var(--good-bg); }
.verdict.bad { background: var(--bad-bg); }
.good .sign, td.good { color: var(--good); }
.bad .sign, td.bad { color: var(--bad); }
.sign { font-size: 30px; line-height: 1; font-weight: 700; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(160px, 1fr)); gap: 12px;
  margin-top: 16px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 12px 16px; }
.tile b { display: block; font-size: 26px; line-height: 1.3; font-variant-numeric: tabular-nums; }
table { width: 100%; border-collapse: collapse; }
th { text-align: left; font-weight: 600; font-size: 13px; color: var(--soft); }
caption { text-align: left; font-weight: 600; padding-bottom: 4px; }
tbody th { font-weight: 600; color: inherit; font-size: inherit; }
th, td { padding: 7px 10px 7px 0; border-bottom: 1px solid var(--line); vertical-align: middle; }
tbody tr:last-child > * { border-bottom: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.state { font-weight: 700; white-space: nowrap; width: 1%; padding-right: 14px; }
.name { white-space: nowrap; padding-right: 18px; }
.scroll { overflow-x: auto; }
.bars { width: 32%; min-width: 110px; }
.change { width: 1%; white-space: nowrap; }
.whisker { display: block; }
.whisker .zero { stroke: var(--line); stroke-width: 1.5; }
.whisker .range { stroke: var(--soft); stroke-width: 2.5; stroke-linecap: round; }
.whisker circle { fill: var(--soft); }
.whisker.worse .range { stroke: var(--bad); }
.whisker.worse circle { fill: var(--bad); }
.whisker.better .range { stroke: var(--good); }
.whisker.better circle { fill: var(--good); }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 18px 40px; }
.glyph { display: inline-block; min-width: 26px; padding: 0 6px; text-align: center;
  border: 1px solid var(--line); border-radius: 5px; background: var(--page);
  font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.reliability { width: 100%; max-width: 420px; height: auto; }
.reliability text { fill: var(--soft); font-size: 11px; }
.reliability .grid { stroke: var(--grid); }
.reliability .ideal { stroke: var(--soft); stroke-dasharray: 4 4; stroke-width: 1.5; }
.reliability circle { fill: var(--bar); fill-opacity: .75; }
.reliability rect { fill: var(--bar-2); }
summary { cursor: pointer; color: var(--soft); }
.bar { height: 9px; border-radius: 5px; background: var(--bar); margin: 2px 0; min-width: 2px; }
.bar.champion { background: var(--bar-2); height: 6px; }
.key { display: inline-block; width: 18px; height: 9px; border-radius: 5px; margin: 0 5px 0 0;
  background: var(--bar); }
.key.champion { background: var(--bar-2); }
.line { display: grid; grid-template-columns: 300px 1fr; gap: 6px 20px; padding: 12px 0;
  border-top: 1px solid var(--line); align-items: center; }
.line img { height: 44px; max-width: 100%; object-fit: contain; object-position: left;
  border-radius: 4px; }
.line dl { margin: 0; display: grid; grid-template-columns: 84px 1fr; gap: 1px 10px; }
.line dt { color: var(--soft); font-size: 13px; }
.line dd { margin: 0; font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: 14px; white-space: pre-wrap; overflow-wrap: anywhere; }
.line .from { grid-column: 1; font-size: 12px; color: var(--soft); overflow-wrap: anywhere; }
mark { background: var(--mark); color: inherit; border-radius: 2px; }
@media (max-width: 700px) { .line { grid-template-columns: 1fr; } .bars { width: auto; } }
"""
