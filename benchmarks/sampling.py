"""Importance sampling at equal numbers of integrand evaluations: crosshook against its peers.

    python benchmarks/sampling.py [--quick] [--json FILE] [--cases NAME ...] [--methods NAME ...]

Every method trains with 100,000 evaluations (with `--large` 400,000 for camel4 and shell9), counted
and refused beyond that, with three seeds; figures are taken on 10⁶ fresh points, defined in
`sampling_contest/figures.py`. float64, one thread, CPU time. Peers run at the best settings found.
A method whose package is missing is left out. `pip install vegas madspace; pip install --no-deps madnis`.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

from records import Record, in_words, machine, write
from sampling_contest import (
    crosshook_sampler,
    madnis_integrator,
    madspace_flow,
    untrained,
    vegas_grid,
)
from sampling_contest.breit_wigners import BreitWigners, OneBreitWignerMap
from sampling_contest.camel import Camel
from sampling_contest.counting import Counted
from sampling_contest.figures import draw_fresh, judge
from sampling_contest.four_fermions import FourFermions, OneFourFermionMap
from sampling_contest.nets import sobol_over_random
from sampling_contest.shell import Shell

from crosshook.core.execute import one_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sampling_contest.contender import Case, Contender

SEEDS = (1, 2, 3)
EVALUATIONS, LARGE = 100_000, 400_000
POINTS = 1_000_000
WRONG = 5.0
PACKAGES = ("torch", "numpy", "crosshook", "vegas", "madnis", "madspace")

CASES: dict[str, Callable[[], Case]] = {
    "camel4": Camel,
    "shell9": Shell,
    "dalitz3ch": BreitWigners,
    "fourf": FourFermions,
    "dalitz1ch": OneBreitWignerMap,
    "fourf1ch": OneFourFermionMap,
}
MAIN = ("camel4", "shell9", "dalitz3ch", "fourf")
NEEDS = {"fourf": "madspace", "fourf1ch": "madspace"}


@dataclass(frozen=True)
class Method:
    """A contender.

    Attributes:
        packages: what it needs.
        build: its training for a case.
    """

    packages: tuple[str, ...]
    build: Callable[[Case], Contender]


MADNIS = {"fourf": {"replays": 4, "rate": 1e-3}}
MADSPACE = {"fourf": {"replays": 4, "rate": 1e-3}}
"""The best settings found by case, where they are not the usual ones."""


def _madnis(case: Case) -> Contender:
    best = replace(madnis_integrator.Settings(), **MADNIS.get(case.name, {}))
    return partial(madnis_integrator.train_with, replace(best, features=case.n_features))


def _madspace(case: Case) -> Contender:
    best = replace(madspace_flow.Settings(), **MADSPACE.get(case.name, {}))
    return partial(madspace_flow.train_with, best)


FLOWS: dict[str, dict[str, object]] = {
    "dalitz3ch": {"networks": "per-channel"},
    "fourf": {"hidden": 16, "bins": 4},
}
TRAININGS: dict[str, dict[str, object]] = {
    "camel4": {"loss": "unweighting"},
    "dalitz3ch": {"final_loss": "variance"},
    "fourf": {"loss": "unweighting", "passes": 10},
}
"""Options and settings of ours by case, where they are not the defaults; `crosshook defaults` has
none of them."""


def _ours(case: Case, mapping: str, weights: str, tuned: bool = True) -> Contender:
    # Trained channel weights need several channels, and features to see.
    chosen = weights if case.n_features else "prior"
    options = FLOWS.get(case.name, {}) if tuned and mapping == "flow" else {}
    training = TRAININGS.get(case.name, {}) if tuned else {}
    slot: dict[str, object] = {"use": mapping, "options": options}
    return partial(crosshook_sampler.train_with, slot, chosen, training, case.n_features)


METHODS: dict[str, Method] = {
    "crosshook": Method((), partial(_ours, mapping="flow", weights="network")),
    "crosshook defaults": Method(
        (), partial(_ours, mapping="flow", weights="network", tuned=False)
    ),
    "crosshook vegas": Method((), partial(_ours, mapping="vegas", weights="prior")),
    "untrained": Method((), lambda case: untrained.train),
    "vegas": Method(("vegas",), lambda case: vegas_grid.train_integrator),
    "vegas grid": Method(("vegas",), lambda case: vegas_grid.train_grids),
    "madnis": Method(("vegas", "madnis"), _madnis),
    "madspace flow": Method(("vegas", "madspace"), _madspace),
}


def compete(case: Case, name: str, evaluations: int, points: int, seed: int) -> list[Record]:
    """Trains one method on one case and judges it on fresh points."""
    counted = Counted(case, evaluations)
    start = time.process_time()
    trained = METHODS[name].build(case)(counted, evaluations, seed)
    spent = time.process_time() - start
    fresh = draw_fresh(case, trained, points, seed)
    figures = {
        **judge(fresh, seed),
        "cpu_s_train": (spent, 0.0),
        "cpu_s_integrand": (counted.seconds, 0.0),
        "evaluations": (float(counted.evaluations), 0.0),
    }
    if case.reference is not None:
        integral, error = figures["integral"]
        truth, uncertainty = case.reference
        figures["integral_pull"] = ((integral - truth) / math.hypot(error, uncertainty), 1.0)
    if isinstance(trained, crosshook_sampler.Ours):
        figures["sobol_over_random"] = sobol_over_random(case, trained, seed)
    label = case.name if evaluations < LARGE else f"{case.name} 400k"
    return [
        Record(label, name, metric, value, error, fresh.points, seed)
        for metric, (value, error) in figures.items()
    ]


def table(records: Iterable[Record]) -> str:
    """Medians over seeds, one line for each case and method."""
    found: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for r in records:
        found[r.case, r.method][r.metric].append(r.value)
    columns = (
        "rsd",
        "ε(0.1 %)",
        "mean/max",
        "integral",
        "train s",
        "µs/point",
        "calls",
        "sobol",
        "seeds",
    )
    widths = (8, 9, 9, 12, 8, 9, 7, 5, 5)
    head = " ".join(f"{name:>{width}}" for name, width in zip(columns, widths, strict=True))
    lines = [f"{'case':15} {'method':16} {head}"]
    for (case, method), metrics in found.items():
        m = {name: statistics.median(values) for name, values in metrics.items()}
        # A sampler that has lost a peak looks better than it is, and is wrong.
        wrong = any(abs(pull) > WRONG for pull in metrics.get("integral_pull", []))
        sobol = f"{m['sobol_over_random']:5.2f}" if "sobol_over_random" in m else "    -"
        lines.append(
            f"{case:15} {method:16} {m['rsd']:8.4f} {m['eff_0.1pct']:9.1%}"
            f" {m['mean_over_max']:9.1%} {m['integral']:12.6g} {m['cpu_s_train']:8.2f}"
            f" {m['us_per_point']:9.2f} {m['evaluations']:7.0f} {sobol} {len(metrics['rsd']):5}{' !' if wrong else ''}"
        )
    lines.append(f"!: an integral is more than {WRONG:g} errors off")
    return "\n".join(lines)


def _missing(case: str, method: str) -> str:
    packages = (*METHODS[method].packages, *([NEEDS[case]] if case in NEEDS else []))
    return ", ".join(sorted({p for p in packages if util.find_spec(p) is None}))


def main() -> None:
    """Runs the contest, prints the table of medians and writes the records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one seed, a tenth of the points")
    parser.add_argument("--large", action="store_true", help="400,000 evaluations")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=MAIN)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    options = parser.parse_args()
    about = machine(PACKAGES)
    seeds, points = (options.seeds[:1], POINTS // 10) if options.quick else (options.seeds, POINTS)
    records: list[Record] = []
    with one_thread():
        for seed in seeds:  # seed by seed: a run cut short has every row
            for case in options.cases:
                for method in options.methods:
                    if missing := _missing(case, method):
                        print(f"{case}, {method}: left out, needs {missing}")
                        continue
                    evaluations = LARGE if options.large else EVALUATIONS
                    records += compete(CASES[case](), method, evaluations, points, seed)
                    if options.json:
                        write(options.json, about, records)
    print(in_words(about))
    print(table(records))


if __name__ == "__main__":
    main()
