"""stylesheet: how the HTML report looks, on screens from 360 pixels up, dark and on paper."""

__all__ = ["STYLESHEET"]

STYLESHEET = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1d1f24; --faint: #5c616b; --rule: #d9dce2; --accent: #1f56a8;
  --panel: #f5f6f8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171c; --ink: #e4e6eb; --faint: #a0a6b1; --rule: #343943; --accent: #8db7f5;
    --panel: #1d2027;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.55 "Source Serif 4", "Source Serif Pro", Charter, Georgia, "DejaVu Serif",
    serif;
}
math { font-family: "Latin Modern Math", "STIX Two Math", "Cambria Math", math; font-size: 1.08em; }
math[display="block"] { display: inline math; margin: 0; }
mtd[columnalign="left"] { text-align: left; }
mtd[columnalign="right"] { text-align: right; }
.page {
  max-width: 88rem; margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 3rem) 4rem;
  display: grid; grid-template-columns: minmax(0, 1fr); column-gap: 3.5rem;
}
header, main, nav { grid-column: 1; min-width: 0; }
h1 { font-size: clamp(1.6rem, 4vw, 2.3rem); line-height: 1.2; margin: 1rem 0 0.3rem; }
h2 { font-size: 1.4rem; margin: 3rem 0 0.8rem; border-bottom: 1px solid var(--rule); }
h3 { font-size: 1.1rem; margin: 1.9rem 0 0.5rem; }
p { margin: 0.7rem 0 0.35rem; max-width: 44rem; overflow-wrap: anywhere; }
.whole { white-space: nowrap; }
.subtitle { color: var(--faint); margin-top: 0; }
a { color: var(--accent); text-decoration-thickness: 0.06em; text-underline-offset: 0.15em; }
nav ol { list-style: none; margin: 1rem 0 0; padding: 0; }
nav li { margin: 0.25rem 0; }
nav a { text-decoration: none; }
nav a:hover { text-decoration: underline; }
code, pre {
  font-family: "JetBrains Mono", "Source Code Pro", Consolas, "DejaVu Sans Mono", monospace;
}
code { font-size: 0.85em; }
.equations {
  display: grid; grid-template-columns: max-content minmax(0, 1fr) max-content;
  align-items: baseline; margin: 0.5rem 0 1rem; padding-left: clamp(0rem, 2vw, 1.5rem);
}
.row { display: contents; }
.left { grid-column: 1; text-align: right; padding: 0.22rem 0; white-space: nowrap; }
.left.wide { grid-column: 1 / -1; text-align: left; overflow-x: auto; overflow-y: hidden; }
.right {
  grid-column: 2; padding: 0.22rem 0.3rem 0.22rem 0.38em; white-space: nowrap;
  overflow-x: auto; overflow-y: hidden;
}
.line { padding: 0.12rem 0; }
.name { grid-column: 3; color: var(--faint); padding-left: 0.6rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: 0.8rem 0 1.2rem; font-size: 0.95em; }
th, td { text-align: left; padding: 0.28rem 1.1rem 0.28rem 0; white-space: nowrap; }
th { border-bottom: 1.5px solid var(--faint); font-weight: 600; }
td { border-bottom: 1px solid var(--rule); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
details { border-top: 1px solid var(--rule); padding: 0.4rem 0; }
summary { cursor: pointer; font-weight: 600; padding: 0.3rem 0; }
figure { margin: 1rem 0; }
figure .symbp-graph { display: block; max-width: 100%; height: auto; }
figcaption { color: var(--faint); font-size: 0.93em; }
.passage { margin: 0 0 0.9rem; border: 1px solid var(--rule); border-radius: 0.4rem; }
p + .passage { margin-top: 1.2rem; }
pre {
  margin: 0; padding: 0.6rem 0.8rem; overflow-x: auto; background: var(--panel);
  font-size: 0.78rem; line-height: 1.5; border-radius: 0.4rem;
}
.code-line {
  display: block; padding-left: 9em; text-indent: -9em; white-space: pre-wrap;
  overflow-wrap: anywhere;
}
pre .number { color: var(--faint); user-select: none; display: inline-block; width: 2.6em;
  margin-right: 1em; text-indent: 0; }
.beside { padding: 0.2rem 0.8rem; min-width: 0; font-size: 0.95em; }
.beside .equations { margin: 0.2rem 0; padding-left: 0; }
.beside p { margin: 0.2rem 0 0; font-size: 0.9em; color: var(--faint); }
@media (max-width: 30rem) {
  th, td { padding-right: 0.7rem; font-size: 0.92rem; }
  .name { padding-left: 0.2rem; font-size: 0.85rem; }
  figure .symbp-graph { max-width: none; }
}
@media (min-width: 70rem) {
  .page { grid-template-columns: 12.5rem minmax(0, 1fr); }
  header { grid-column: 2; }
  nav { grid-column: 1; grid-row: 1 / span 2; }
  nav ol { position: sticky; top: 1.5rem; font-size: 0.92rem; }
  main { grid-column: 2; }
  .passage { display: grid; grid-template-columns: minmax(0, 1.25fr) minmax(0, 1fr); }
}
@media print {
  :root { --paper: #fff; --ink: #000; --faint: #444; --rule: #bbb; --accent: #000; --panel: #fff; }
  nav { display: none; }
  .page { display: block; padding: 0; }
  .row, .passage, figure, h2, h3 { break-inside: avoid; }
  h2, h3, summary { break-after: avoid; }
  .right, .scroll, pre { overflow: visible; }
}
"""
