"""Unweighting efficiencies of the processes of 2203.07460, table 1, in its set-ups.

    python benchmarks/processes.py [--quick] [--json FILE] [--cases NAME ...] [--methods NAME ...]

Each process is that of its example, run with the flow, with VEGAS and untrained; figures are taken on
10⁶ fresh points of the trained sampler, cut zeros included, in equal numbers from every channel. Two
rules for the maximum weight, both channel by channel: `excess-share` at 0.1 % and `bootstrap-median`
(see crosshook.core.statistics). float64, one thread, CPU time of the training with what it evaluates.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from records import Record, in_words, machine, write

import crosshook
from crosshook.core.config import from_document
from crosshook.core.execute import one_thread
from crosshook.core.run_directory import RunDirectory
from crosshook.core.sampling.build import SamplerSpec
from crosshook.core.sampling.composition import Composition
from crosshook.core.sampling.sampler import even_shares
from crosshook.core.statistics import efficiency

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from crosshook.core.sampling.sampler import Sampler

EXAMPLES = Path(__file__).parents[1] / "examples"
SEEDS = (1, 2, 3)
POINTS = 1_000_000
QUICK = 10
BLOCK = 16384
RESAMPLES = 10
PACKAGES = ("torch", "numpy", "crosshook")


@dataclass(frozen=True)
class Case:
    """A process.

    Attributes:
        groups: of its channels.
        evaluations: of the flow's training; VEGAS has `VEGAS_EVALUATIONS`.
        options: of the flow.
        training: settings of its training.
        published: unweighting efficiencies of the table: untrained, VEGAS, neural.
    """

    groups: tuple[int, ...] | None
    evaluations: int
    options: dict[str, object]
    training: dict[str, object]
    published: tuple[float, float, float]


VEGAS_EVALUATIONS = 200_000

CASES = {
    "top-decay": Case(None, 100_000, {}, {}, (0.59, 0.50, 0.84)),
    "ee-ttbar": Case(None, 200_000, {"hidden": 16, "bins": 8}, {}, (0.35, 0.40, 0.78)),
    "gg-3g": Case((0, 0, 0), 200_000, {}, {"power": 16}, (0.030, 0.277, 0.643)),
    "gg-4g": Case(
        (0,) * 6, 500_000, {"hidden": 48}, {"passes": 15, "power": 12}, (0.027, 0.318, 0.489)
    ),
}
METHODS = ("crosshook", "vegas", "untrained")


def settings(case: Case, method: str, quick: bool) -> list[str]:
    """What a method changes in the example."""
    mapping: dict[str, object] = {"use": "uniform"}
    evaluations = 0
    if method == "vegas":
        mapping, evaluations = {"use": "vegas", "options": {"bins": 64}}, VEGAS_EVALUATIONS
    elif method == "crosshook":
        mapping, evaluations = {"use": "flow", "options": case.options}, case.evaluations
    sampling = {
        "channel_mapping": mapping,
        "groups": case.groups if method == "crosshook" else None,
        "evaluations": evaluations // QUICK if quick else evaluations,
        "training": case.training,
    }
    return [
        f"sampling={json.dumps(sampling)}",
        f"integrate={json.dumps({'evaluations': BLOCK})}",
        "generate=null",
        "output.report=none",
    ]


def trained(directory: Path) -> Sampler:
    """The sampler a run has left."""
    run = RunDirectory(directory)
    config = from_document(run.read_json(run.resolved))
    composition = Composition.from_json(run.read_json(run.composition))
    models = {slot: run.model(slot) for slot in run.trained()}
    return SamplerSpec.of(config, models, composition).sampler()


@torch.no_grad()
def fresh(sampler: Sampler, points: int, seed: int) -> list[NDArray[np.float64]]:
    """Weights of fresh points, by channel."""
    k = sampler.n_channels
    found: list[list[NDArray[np.float64]]] = [[] for _ in range(k)]
    for block, first in enumerate(range(0, points, BLOCK)):
        n = min(BLOCK, points - first)
        sample = sampler.draw(seed, "benchmark", block, n, even_shares(k))
        for c in range(k):
            found[c].append(sample.weight[sample.channel == c].numpy())
    return [np.concatenate(pieces) for pieces in found]


def deviation(weights: list[NDArray[np.float64]]) -> float:
    """Σ_c s_c/Σ_c m_c; its error is that of the mean of disjoint parts of the points."""
    return sum(float(w.std(ddof=1)) for w in weights) / sum(float(w.mean()) for w in weights)


def compete(name: str, method: str, seed: int, quick: bool) -> list[Record]:
    """Trains one method on one process and judges it."""
    case = CASES[name]
    points = POINTS // QUICK if quick else POINTS
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        crosshook.run(
            EXAMPLES / f"{name}.yaml",
            settings=settings(case, method, quick),
            output=Path(folder) / "run",
            seed=seed,
        )
        spent = time.process_time() - start
        sampler = trained(Path(folder) / "run")
    start = time.process_time()
    weights = fresh(sampler, points, seed)
    each = (time.process_time() - start) / points
    rng = np.random.default_rng([seed, 20261123])
    shared = efficiency(weights, "excess-share", 1e-3, RESAMPLES, rng)
    median = efficiency(weights, "bootstrap-median", resamples=RESAMPLES, rng=rng)
    integral = sum(float(w.mean()) for w in weights)
    error = math.sqrt(sum(float(w.var(ddof=1)) / w.size for w in weights))
    shares = [np.count_nonzero(w) / w.size for w in weights]
    sizes = [w.size for w in weights]
    passed = sum(p * n for p, n in zip(shares, sizes, strict=True)) / points
    chance = math.sqrt(sum(p * (1 - p) * n for p, n in zip(shares, sizes, strict=True))) / points
    parts = [deviation([w[i::RESAMPLES] for w in weights]) for i in range(RESAMPLES)]
    figures = {
        "integral": (integral, error),
        "rsd": (deviation(weights), statistics.stdev(parts) / math.sqrt(RESAMPLES)),
        "eff_0.1pct": (shared.value, shared.error),
        "eff_bootstrap_median": (median.value, median.error),
        "cut_efficiency": (passed, chance),
        "cpu_s_train": (spent if method != "untrained" else 0.0, 0.0),
        "us_per_point": (each * 1e6, 0.0),
        "dimensions": (float(sampler.integrand.n_dim), 0.0),
    }
    return [
        Record(name, method, metric, value, spread, points, seed)
        for metric, (value, spread) in figures.items()
    ]


def table(records: Iterable[Record]) -> str:
    """Medians over seeds, one line for each process and method, the published figures beside."""
    found: dict[tuple[str, str], dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        found[record.case, record.method][record.metric].append(record)
    head = ("d", "ε(0.1 %)", "±", "ε median", "±", "publ.", "cuts", "rsd", "integral", "±")
    widths = (3, 9, 6, 9, 6, 7, 7, 7, 11, 9)
    titles = " ".join(f"{name:>{width}}" for name, width in zip(head, widths, strict=True))
    lines = [f"{'case':10} {'method':10} {titles} train s µs/point seeds"]
    for (case, method), metrics in found.items():
        value = {name: statistics.median(r.value for r in rows) for name, rows in metrics.items()}
        error = {name: statistics.median(r.error for r in rows) for name, rows in metrics.items()}
        published = dict(zip(reversed(METHODS), CASES[case].published, strict=True))[method]
        lines.append(
            f"{case:10} {method:10} {value['dimensions']:3.0f} {value['eff_0.1pct']:9.1%}"
            f" {error['eff_0.1pct']:6.1%} {value['eff_bootstrap_median']:9.1%}"
            f" {error['eff_bootstrap_median']:6.1%} {published:7.1%}"
            f" {value['cut_efficiency']:7.1%} {value['rsd']:7.3f} {value['integral']:11.6g}"
            f" {error['integral']:9.2g} {value['cpu_s_train']:7.1f} {value['us_per_point']:8.2f}"
            f" {len(metrics['rsd']):5}"
        )
    return "\n".join(lines)


def main() -> None:
    """Runs all, prints the table of medians and writes the records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one seed, a tenth of all points")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    options = parser.parse_args()
    about = machine(PACKAGES)
    records: list[Record] = []
    with one_thread():
        for seed in options.seeds[:1] if options.quick else options.seeds:
            for case in options.cases:
                for method in options.methods:
                    records += compete(case, method, seed, options.quick)
                    if options.json:
                        write(options.json, about, records)
    print(in_words(about))
    print(table(records))


if __name__ == "__main__":
    main()
