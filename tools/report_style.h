// tools/report_style.h: how the page of a report looks: in light, in dark, and on paper.
#pragma once

namespace mobula::tools {

constexpr const char *kReportStyle = R"css(
:root {
  color-scheme: light dark;
  --page: #fff; --ink: #1b1f24; --soft: #5c6570; --rule: #d9dee4; --grid: #e9ecf0;
  --good: #18794e; --bad: #c62a2f;
  --s0: #4269d0; --s1: #e8a317; --s2: #e4593f; --s3: #4fb3a5; --s4: #3a9a4b; --s5: #e377a8; --s6: #8e5bd0;
  --s7: #7aa7e9; --rest: #a9b0b8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --ink: #e4e8ec; --soft: #9aa4af; --rule: #353c44; --grid: #262c33;
    --good: #4cc38a; --bad: #ff6369;
    --s0: #6b8de6; --s1: #e9b44c; --s2: #f07a60; --s3: #62c4b6; --s4: #57b568; --s5: #ee93bd; --s6: #a97fe3;
    --s7: #97bbf5; --rest: #69727c;
  }
}
@media print {
  :root {
    --page: #fff; --ink: #000; --soft: #444; --rule: #bbb; --grid: #ddd;
    --good: #18794e; --bad: #c62a2f; --rest: #a9b0b8;
  }
  body { font-size: 9.5pt; max-width: none; padding: 0; }
  section, figure, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 64rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums; print-color-adjust: exact; -webkit-print-color-adjust: exact;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; font-weight: 650; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.75rem 0 .5rem; font-weight: 650; }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; font-weight: 600; }
p { margin: .25rem 0 .75rem; max-width: 46rem; }
.soft { color: var(--soft); }
.good { color: var(--good); }
.bad { color: var(--bad); }
.lines { white-space: pre-line; }
dl {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(7.2rem, 1fr)); gap: 1rem; margin: 1.5rem 0 1rem;
}
dt { color: var(--soft); font-size: .85rem; }
dd { margin: 0; font-size: 1.2rem; line-height: 1.3; font-weight: 550; }
dd small { display: block; font-size: .8rem; font-weight: 400; color: var(--soft); }
figure { margin: .5rem 0 0; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 12px; font-family: inherit; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; margin: .25rem 0 .5rem; }
th { text-align: left; font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--rule); }
th, td { padding: .3rem 1.25rem .3rem 0; vertical-align: top; overflow-wrap: anywhere; }
th:last-child, td:last-child { padding-right: 0; }
td { border-bottom: 1px solid var(--grid); }
.number, .word { white-space: nowrap; width: 1%; }
.number { text-align: right; }
th.number, td.number { padding-left: .5rem; }
.fixed { white-space: nowrap; }
.id { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .8rem; }
.key { display: inline-block; width: .7rem; height: .7rem; margin-right: .5rem; border-radius: 2px; }
.axis { stroke: var(--soft); }
.grid { stroke: var(--grid); }
.area { stroke: var(--page); stroke-width: .75; }
.line { stroke-width: 1.75; stroke-linejoin: round; }
polyline { fill: none; }
.mark line { stroke: var(--bad); stroke-dasharray: 2 3; }
.mark path { fill: var(--bad); }
.bar { stroke: var(--page); stroke-width: .5; }
.wait { fill: var(--ink); opacity: .45; }
.failed { stroke: var(--bad); stroke-width: 1.5; }
.running { opacity: .55; }
.dead { stroke: var(--bad); stroke-width: 2; fill: none; }
footer {
  margin-top: 3rem; padding-top: .75rem; border-top: 1px solid var(--rule); color: var(--soft); font-size: .85rem;
}
)css";

}  // namespace mobula::tools
