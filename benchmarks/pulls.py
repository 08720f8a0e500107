"""Pulls of integrals of twenty known integrands: are the errors honest?

    python benchmarks/pulls.py [--quick] [--json FILE] [--methods vegas flow] [--cases NAME ...]

Three plans, every integration on fresh points:
    `adapted`: trained anew with each of 100 seeds on 100,000 evaluations (VEGAS)
    `frozen`: trained once on as many, then integrated with 100 seeds on 30,000 points (the flow)
    `retrained`: three of them trained anew 100 times on 10,000 evaluations (the flow)
A pull is (estimate - integral)/error. Their mean is 0 within 1/√100, their width 1 within an error from
their own fourth moment. Weights with heavy tails make pulls skew and wide; what is off by more than
five errors is flagged.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from records import Record, machine, write

import crosshook
from crosshook.core.execute import one_thread

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "physics"))

from known_integrands import ALL

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch
    from known_integrands import KnownIntegrand
    from numpy.typing import NDArray

    from crosshook.core.integral_result import Integral

SEEDS, QUICK_SEEDS = 100, 10
LARGE, SMALL, POINTS = 100_000, 10_000, 30_000
RETRAINED = ("corner peak", "shell", "peaks")
SIGMAS = 5.0
PLANS = {"vegas": ("adapted",), "flow": ("frozen", "retrained")}


def integrals(known: KnownIntegrand, method: str, plan: str, seeds: int) -> Iterator[Integral]:
    """Independent integrals of a plan."""

    def function(u: torch.Tensor) -> torch.Tensor:
        return known.function(u)

    if plan == "frozen":
        first = crosshook.integrate(
            function, dimensions=known.n_dim, mapping=method, evaluations=LARGE, points=2, seed=1
        )
        for seed in range(seeds):
            yield crosshook.integrate(
                function,
                dimensions=known.n_dim,
                sampler=first.sampler,
                points=POINTS,
                seed=1000 + seed,
            )
        return
    evaluations = SMALL if plan == "retrained" else LARGE
    for seed in range(seeds):
        yield crosshook.integrate(
            function,
            dimensions=known.n_dim,
            mapping=method,
            evaluations=evaluations,
            points=evaluations,
            seed=1000 + seed,
        )


def width_of(pulls: NDArray[np.float64]) -> tuple[float, float]:
    """Root mean square of pulls, about 0, and its error from their fourth moment."""
    squares = pulls**2
    width = math.sqrt(float(squares.mean()))
    error = float(squares.std(ddof=1)) / math.sqrt(pulls.size)
    return width, error / (2 * width) if width else 0.0


def measure(known: KnownIntegrand, method: str, plan: str, seeds: int) -> list[Record]:
    """Mean and width of the pulls of one case, and the typical relative error."""
    found = list(integrals(known, method, plan, seeds))
    # A sampler without spread (a constant) has no error but rounding.
    least = 1e-12 * abs(known.integral)
    pulls = np.array([(i.value - known.integral) / max(i.error, least) for i in found])
    width, error = width_of(pulls)
    relative = float(np.median([i.error / abs(i.value) for i in found]))
    label = f"{method}, {plan}"
    figures = {
        "pull mean": (float(pulls.mean()), width / math.sqrt(pulls.size)),
        "pull width": (width, error),
        "largest pull": (float(np.abs(pulls).max()), 0.0),
        "relative error": (relative, 0.0),
    }
    return [
        Record(known.name, label, metric, value, uncertainty, pulls.size, 1000)
        for metric, (value, uncertainty) in figures.items()
    ]


def line(records: list[Record]) -> str:
    """One case in words; `!` where mean or width are off by more than five errors."""
    by = {r.metric: r for r in records}
    mean, width = by["pull mean"], by["pull width"]
    off = abs(mean.value) > SIGMAS * mean.error or abs(width.value - 1) > SIGMAS * width.error
    return (
        f"{'!' if off else ' '} {mean.case:20} {mean.method:16}"
        f" mean {mean.value:+.2f} ± {mean.error:.2f}  width {width.value:.2f} ± {width.error:.2f}"
        f"  largest {by['largest pull'].value:.1f}"
        f"  relative error {by['relative error'].value:.2e}  n = {mean.n}"
    )


def main() -> None:
    """Prints a line a case and writes the records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SEEDS} seeds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records")
    parser.add_argument("--methods", nargs="+", choices=PLANS, default=list(PLANS))
    parser.add_argument("--cases", nargs="+", choices=ALL, default=list(ALL))
    options = parser.parse_args()
    seeds = QUICK_SEEDS if options.quick else SEEDS
    records: list[Record] = []
    with one_thread():
        for method in options.methods:
            for plan in PLANS[method]:
                for name in options.cases:
                    if plan == "retrained" and name not in RETRAINED:
                        continue
                    records += measure(ALL[name], method, plan, seeds)
                    print(line(records[-4:]), flush=True)
    everything = [r for r in records if r.metric == "pull width"]
    far = [r for r in everything if abs(r.value - 1) > SIGMAS * r.error]
    print(f"{len(everything)} cases, {len(far)} with a width off by more than {SIGMAS:g} errors")
    if options.json:
        write(options.json, machine(("torch", "numpy", "crosshook")), records)


if __name__ == "__main__":
    main()
