"""The tables of docs/cost-model.md from the records of benchmarks/scaling.py.

    python benchmarks/cost_model.py benchmarks/results/scaling-quick.json [--page docs/cost-model.md]

Prints them, or puts them into the page between its two marks. A constant that was measured more
than once counts as it was measured last.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
EVENTS, CORES = 1e9, 1000
KEPT = 0.72
"""Share of points kept in pp → tt̄ with the sampler of examples/ttbar.yaml."""
DEFAULT, LARGE = 16_384, 262_144
CONSTANTS = (
    ("r", "events a core generates and formats in a second", "events_per_second_1", "processes", "{:,.0f}"),
    ("t", "manager's time for a task", "overhead_per_task_ms", "dask", "{:.2g} ms"),
    ("m", "manager's time to put 10⁶ formatted events behind others", "merge_seconds_per_1e6_events", "lhe.gz", "{:.2g} s"),
    ("q", "bytes through the scheduler for a task that travels alone", "scheduler_bytes_per_bundle", "dask", "{:,.0f}"),
    ("h", "bytes a second through the scheduler of two busy workers, which say so twice a minute", "scheduler_bytes_per_second_2_busy", "dask", "{:,.0f}"),
    ("s", "bytes of an event in the file", "bytes_per_event", "lhe.gz", "{:.0f}"),
)  # fmt: skip


def seconds(value: float) -> str:
    """A time as people write it."""
    if value < 600:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 7200 else f"{value / 3600:.1f} h"


def size(value: float) -> str:
    """Bytes as people write them."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value / 1e3:.3g} kB"


def tables(records: list[dict[str, object]]) -> str:
    """Both tables in Markdown."""
    found = {(str(r["metric"]), str(r["method"])): float(str(r["value"])) for r in records}
    value = {name: found[metric, method] for name, _, metric, method, _ in CONSTANTS}
    lines = ["| constant | | value |", "|---|---|---|"]
    for name, text, metric, _, form in CONSTANTS:
        lines.append(f"| {name} | {text} (`{metric}`) | {form.format(value[name])} |")
        if name == "r":
            lines.append(f"| ε | share of points kept | {KEPT:.0%} |")
    r, t, m = value["r"], value["t"] / 1000, value["m"]
    compute, merge = EVENTS / (r * CORES), EVENTS * m / 1e6
    alive = value["h"] / 2 * CORES * compute
    columns = []
    for block in (DEFAULT, LARGE):
        blocks = EVENTS / (block * KEPT)
        columns.append(
            (
                f"{blocks:,.0f}",
                f"{2 * blocks:,.0f}",
                f"{2 * blocks:,.0f}",
                seconds(compute),
                seconds(block * KEPT / r),
                seconds(2 * blocks * t),
                seconds(merge),
                size(2 * blocks * value["q"]),
                size(alive),
                size(EVENTS * value["s"]),
                seconds(compute + 2 * blocks * t + merge),
            )
        )
    rows = (
        ("blocks", "K = N/(b ε)"),
        ("tasks, generation and formatting", "2 K"),
        ("files at once, before assembly: events of a block and its line", "2 K"),
        ("workers compute", "N/(r P)"),
        ("of it the last, incomplete round", "up to b ε/r"),
        ("manager: tasks", "2 K t"),
        ("manager: merging", "N m/10⁶"),
        ("traffic of the scheduler: tasks, at most", "2 K q"),
        ("that workers are there", "(h/2) P N/(r P)"),
        ("the file", "N s"),
        ("together, at most", "N/(r P) + 2 K t + N m/10⁶"),
    )
    lines += ["", "What follows for N = 10⁹ and P = 1000:", ""]
    lines += [
        f"| | formula | b = {DEFAULT:,} (the default) | b = {LARGE:,} |",
        "|---|---|---|---|",
    ]
    for (name, formula), one, two in zip(rows, *columns, strict=True):
        lines.append(f"| {name} | {formula} | {one} | {two} |")
    return "\n".join(lines)


def main() -> None:
    """Reads records and writes tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("records", type=Path)
    parser.add_argument("--page", type=Path, help="put them there instead of printing them")
    arguments = parser.parse_args()
    made = tables(json.loads(arguments.records.read_text("utf-8"))["records"])
    if arguments.page is None:
        print(made)
        return
    text = arguments.page.read_text("utf-8")
    if not 0 <= text.find(BEGIN) < text.find(END):
        parser.error(f"{arguments.page}: {BEGIN} and then {END} are to be there")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    arguments.page.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
