"""The stylesheet of the HTML report: light and dark, narrow and wide, screen and paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crosshook.core.report.style import DARK_PALETTE, PALETTE

if TYPE_CHECKING:
    from collections.abc import Iterable


def _variables(colours: Iterable[str]) -> str:
    """The colours of lines and bars by number; see `crosshook.core.report.inline`."""
    return ":root {" + " ".join(f"--c{i}: {colour};" for i, colour in enumerate(colours)) + "}"


_COLOURS: Final = (
    f"{_variables(PALETTE)}\n"
    f"@media screen and (prefers-color-scheme: dark) {{ {_variables(DARK_PALETTE)} }}"
)

STYLESHEET: Final = (
    f"\n{_COLOURS}"
    + """
:root {
  --paper: #fbfbf9; --panel: #ffffff; --ink: #1c2530; --muted: #64707e; --line: #e3e5e2;
  --accent: #2f6fd0; --warn: #8f5308; --warn-paper: #fdf4e3;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #14181d; --panel: #1b2027; --ink: #e6e9ec; --muted: #98a3af; --line: #2d343d;
    --accent: #79a8f0; --warn: #f0c07a; --warn-paper: #2b241a;
  }
}
* { box-sizing: border-box; }
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
body {
  margin: 0; background: var(--paper); color: var(--ink); line-height: 1.5; font-size: 16px;
  font-family: "Inter", "Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif;
  font-variant-numeric: tabular-nums lining-nums;
}
header, nav, main, footer { width: calc(100% - 3rem); max-width: 67rem; margin: 0 auto; }
header { padding-top: 3.5rem; }
.subtitle { color: var(--muted); margin: 0 0 .2rem; font-size: .9rem; }
h1 { font-size: 1.5rem; font-weight: 600; margin: 0; overflow-wrap: anywhere; }
a:focus-visible, summary:focus-visible, [tabindex]:focus-visible { outline: 2px solid var(--accent);
  outline-offset: 2px; border-radius: 2px; }
.skip { position: absolute; left: -100rem; background: var(--panel); color: var(--accent);
  padding: .5rem 1rem; z-index: 2; }
.skip:focus { left: 1rem; top: 1rem; }
.value { margin: 1.4rem 0 1.8rem; }
.value .label { display: block; color: var(--muted); font-size: .9rem; }
.value strong { font-size: clamp(2rem, 6vw, 3.4rem); font-weight: 600; letter-spacing: -.02em;
  line-height: 1.15; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 0 2rem;
  margin: 0; border-top: 1px solid var(--line); }
.card { padding: 1rem 0 1.2rem; }
.card dt { color: var(--muted); font-size: .85rem; }
.card dd { margin: 0; font-size: 1.3rem; font-weight: 600; }
.card .help { font-size: .8rem; font-weight: 400; color: var(--muted); }
.note { background: var(--warn-paper); color: var(--warn); border-left: 3px solid; margin: .5rem 0;
  padding: .5rem .9rem; overflow-wrap: anywhere; }
nav { position: sticky; top: 0; z-index: 1; background: var(--paper); padding-top: .6rem;
  padding-bottom: .6rem; display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; font-size: .9rem;
  border-bottom: 1px solid var(--line); }
nav a { color: var(--muted); text-decoration: none; }
nav a:hover, nav a:focus { color: var(--accent); }
section { padding: 2.6rem 0 1rem; scroll-margin-top: 2rem; }
h2 { font-size: 1.25rem; font-weight: 600; margin: 0 0 .4rem; }
.lead { color: var(--muted); margin: 0 0 1.2rem; max-width: 46rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(45%, 15rem), 1fr));
  gap: 1rem 2rem; margin: 1rem 0 1.6rem; }
.facts dt { color: var(--muted); font-size: .85rem; }
.facts dd { margin: 0; font-weight: 500; overflow-wrap: anywhere; }
.facts .help { display: block; font-size: .8rem; font-weight: 400; color: var(--muted); }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 27rem), 1fr));
  gap: 1.4rem; margin: 1.2rem 0; align-items: start; }
figure { margin: 0; background: var(--panel); border: 1px solid var(--line); border-radius: 6px;
  padding: 1rem 1rem .8rem; }
figure svg { display: block; width: 100%; height: auto; }
figure svg * { stroke-linejoin: round; stroke-linecap: butt; }
.letters { position: absolute; width: 0; height: 0; }
figcaption { color: var(--muted); font-size: .85rem; margin-top: .6rem; overflow-wrap: anywhere; }
figcaption b { display: block; color: var(--ink); font-weight: 600; }
.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr));
  gap: 1.4rem 2.4rem; margin: 1.2rem 0 1.6rem; align-items: start; }
.beside .facts { grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); margin: .4rem 0; }
.scroll { overflow-x: auto; margin: 1.2rem 0 1.4rem; }
table { border-collapse: collapse; font-size: .9rem; min-width: 50%; }
caption { text-align: left; color: var(--muted); font-size: .85rem; padding-bottom: .4rem; }
th, td { text-align: left; padding: .35rem 1.6rem .35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { color: var(--muted); font-weight: 500; }
td { overflow-wrap: anywhere; min-width: 4rem; }
td:first-child { white-space: nowrap; }
.number { text-align: right; white-space: nowrap; }
details { margin: .8rem 0; }
summary { cursor: pointer; color: var(--accent); font-size: .9rem; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 1rem;
  overflow-x: auto; font-size: .82rem; line-height: 1.45; }
footer { color: var(--muted); font-size: .8rem; padding-top: 1rem; padding-bottom: 3rem; }
@media screen and (prefers-color-scheme: dark) {
  figure image { filter: invert(.9) hue-rotate(180deg); }
}
@media screen and (max-width: 40rem) {
  header, nav, main, footer { width: calc(100% - 2rem); }
  header { padding-top: 1.6rem; }
  nav { position: static; }
  section { padding-top: 1.8rem; }
  figure { padding: .6rem; }
}
@media print {
  :root { --paper: #fff; --panel: #fff; --ink: #000; --muted: #555; --line: #ccc; }
  nav, .skip { display: none; }
  header, main, footer { width: 100%; }
  .scroll, pre { overflow: visible; }
  pre { white-space: pre-wrap; }
  body { font-size: 10pt; }
  table { font-size: 8.5pt; }
  th, td { padding-right: .7rem; }
  th.number { white-space: normal; }
  header { padding-top: 0; }
  figure, .card, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
  .figures, .beside { grid-template-columns: 1fr 1fr; gap: .8rem; }
  .facts { grid-template-columns: repeat(4, 1fr); }
  .beside .facts { grid-template-columns: 1fr 1fr; }
  section { padding: 1.2rem 0 .4rem; }
}
"""
)
