"""Cell resampling: what becomes of negative weights, how large cells are, and the time against N.

    python benchmarks/resampling.py [--quick] [--json FILE] [--cases NAME ...]

Events of two leptons and so many gluons, flat in phase space at 1 TeV, of weight ±1; a fifth of them
negative. `cell-resampler` with its defaults looks at N of them (`survey`), one thread. Records:
negative_in and negative_out (shares of events), cell_size_median, cell_size_largest,
cell_radius_median (GeV), kish_in and kish_out ((Σw)²/(N Σw²)), cpu_s.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from records import Record, in_words, machine, write

from crosshook.core.context import BuildContext
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.layout import EVENT_COLUMNS, PARTICLE_COLUMNS
from crosshook.core.events.run_info import RunInfo
from crosshook.core.execute import one_thread
from crosshook.core.random import torch_generator
from crosshook.core.registry import default_registry
from crosshook.core.statistics import kish
from crosshook.core.testkit.amplitude_surrogate import momenta

if TYPE_CHECKING:
    from crosshook.core.interfaces.event_reweighter import SurveyingReweighter

JETS = {"ll": 0, "ll_j": 1, "ll_jj": 2, "ll_jjj": 3}
SIZES = (4_000, 16_000, 64_000)
QUICK = 10
NEGATIVE = 0.2
SEED = 20261122
AXES = ("e", "px", "py", "pz")
PACKAGES = ("numpy", "numba", "crosshook")


def sample(jets: int, n: int, seed: int) -> EventBatch:
    """e- e+ and gluons, flat in phase space; weights +1 and -1."""
    legs = 2 + jets
    p = momenta(n, legs + 2, torch_generator(seed, f"resampling/{jets}"))[:, 2:].numpy()
    columns = {name: np.zeros(n * legs) for name in PARTICLE_COLUMNS}
    columns |= {name: p[..., i].reshape(-1) for i, name in enumerate(AXES)}
    columns["pdg_id"] = np.tile([11.0, -11.0, *[21.0] * jets], n)
    columns["status"] = np.ones(n * legs)
    event = {name: np.ones(n) for name in EVENT_COLUMNS}
    drawn = np.random.default_rng(seed).uniform(size=n)
    event["weight"] = np.where(drawn < NEGATIVE, -1.0, 1.0)
    return EventBatch.from_columns(RunInfo(), np.full(n, legs), event, columns)


def resampled(batch: EventBatch) -> tuple[dict[str, float], float]:
    """Figures of one sample, and the seconds of the processor they took."""
    built = default_registry().build("event_reweighter", "cell-resampler", BuildContext())
    reweighter = cast("SurveyingReweighter", built)
    reweighter.declare(batch.info)
    start = time.process_time()
    figures = dict(reweighter.survey([batch]))
    seconds = time.process_time() - start
    weight = np.asarray(batch.event["weight"], np.float64)
    figures["kish_in"] = float(kish(weight))
    figures["kish_out"] = float(kish(weight * reweighter.factors(batch)[:, 0]))
    return figures, seconds


def main() -> None:
    """Runs the cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a tenth of the events")
    parser.add_argument("--json", type=Path, help="write the records there")
    parser.add_argument("--cases", nargs="+", choices=tuple(JETS), default=tuple(JETS))
    given = parser.parse_args()
    about = machine(PACKAGES)
    print(in_words(about))
    print(
        f"{'case':7} {'N':>8} {'negative':>15} {'cell: median, largest':>22} {'GeV':>6}"
        f" {'Kish':>13} {'CPU s':>7}"
    )
    metrics = ("negative_in", "negative_out", "cell_size_median", "cell_size_largest",
               "cell_radius_median", "kish_in", "kish_out")  # fmt: skip
    written: list[Record] = []
    for case in given.cases:
        with one_thread():
            resampled(sample(JETS[case], 300, SEED))  # compiles
            for size in SIZES:
                n = size // (QUICK if given.quick else 1)
                batch = sample(JETS[case], n, SEED)
                figures, cpu = resampled(batch)
                records = [
                    Record(case, "cell-resampler", m, figures[m], 0.0, n, SEED) for m in metrics
                ]
                written += [*records, Record(case, "cell-resampler", "cpu_s", cpu, 0.0, n, SEED)]
                print(
                    f"{case:7} {n:8} {figures['negative_in']:7.2%} {figures['negative_out']:7.2%}"
                    f" {figures['cell_size_median']:14.0f} {figures['cell_size_largest']:7.0f}"
                    f" {figures['cell_radius_median']:6.1f} {figures['kish_in']:6.3f}"
                    f" {figures['kish_out']:6.3f} {cpu:7.2f}",
                    flush=True,
                )
    if given.json:
        write(given.json, about, written)


if __name__ == "__main__":
    main()
