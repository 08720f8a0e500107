"""Accuracy, errors and cost of amplitude surrogates, on points no training has seen.

    python benchmarks/surrogates.py [--quick] [--json FILE] [--cases NAME ...] [--methods NAME ...]

gg_3g and gg_4g: |M|² in full colour of crosshook's own process, points from its VEGAS-trained sampler.
gg_ttg and gg_ttgg: the tables of MadGraph's |M|² in flat phase space at 1 TeV, from the folder in
CROSSHOOK_REFERENCE_DATA. A fifth of the points judges. Methods at equal processor time, one thread:

    invariants    the component with its defaults (of gg_3g with the sum of eikonal factors: that over
                  colour orders is exact there) and so many epochs
    no-ansatz     the same without an ansatz
    ensemble      the mean of four of them with a quarter of the epochs each
    plain         a network on log-invariants without ansatz and symmetries, by Adam
    sectors, heteroscedastic, equivariant
                  other networks in the component's place, see surrogate_contest/on_ratio.py; not among
                  the defaults. The last needs `pip install --no-deps lgatr`

|Δ| = |predicted/true - 1|; ε₂ is the efficiency of the second of two unweighting stages, 0.1 % of the
sum of weights above either maximum. Records: median_abs_delta, p99_abs_delta, eps2, us_per_point,
pull_width, pull_rms, train_cpu_s.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from records import Record, in_words, machine, write
from surrogate_contest.on_ratio import OnRatio
from surrogate_contest.peers import Ensemble, PlainNetwork, invariants

from crosshook.core.execute import one_thread
from crosshook.core.progress import Silent
from crosshook.core.surrogates.evaluation import evaluate_surrogate
from crosshook.core.surrogates.parquet_table import read_tables
from crosshook.core.surrogates.points import gather_points, split
from crosshook.core.surrogates.run_file import TableFiles, load_surrogate_file

if TYPE_CHECKING:
    from crosshook.core.interfaces.amplitude_surrogate import AmplitudeSurrogate
    from crosshook.core.surrogates.evaluation import Evaluation
    from crosshook.core.surrogates.training_set import AmplitudeTable

GLUONS = Path(__file__).parents[1] / "examples" / "surrogates" / "gg-3g.yaml"
DRAWN = 160_000
HELD_OUT = 0.2
EPOCHS = 100
QUICK = 10
SEED = 20261122
MEMBERS = 4
CASES = ("gg_3g", "gg_4g", "gg_ttg", "gg_ttgg")
METHODS = ("invariants", "no-ansatz", "ensemble", "plain")
ON_RATIO = ("sectors", "heteroscedastic", "equivariant")
PACKAGES = ("torch", "numpy", "crosshook", "lgatr")


def table(case: str, quick: bool) -> AmplitudeTable:
    """The points of a case."""
    if case.startswith("gg_tt"):
        folder = os.environ.get("CROSSHOOK_REFERENCE_DATA")
        if folder is None:
            message = f"{case}: set CROSSHOOK_REFERENCE_DATA, or leave it out with --cases"
            raise SystemExit(message)
        path = Path(folder) / "amplitudes" / f"{case}_rambo1TeV.parquet"
        found = read_tables(TableFiles((path,), weight="ps_weight"), 0.118)
        return found.select(slice(0, len(found) // (QUICK if quick else 1)))
    settings = [
        f"process.options.gluons={case[3]}",
        f"points.draw={DRAWN // (QUICK if quick else 1)}",
    ]
    with tempfile.TemporaryDirectory() as folder:
        config = load_surrogate_file(GLUONS, settings=settings, output=Path(folder))
        return gather_points(config, Silent()).table


def surrogate(
    method: str, case: str, training: AmplitudeTable, epochs: float, seconds: float, seed: int
) -> AmplitudeSurrogate:
    """A trained one; the component for so many epochs, others for so many seconds."""
    if method == "plain":
        return PlainNetwork(training, seconds, seed)
    if method in ON_RATIO:
        return OnRatio(method, training, "dipoles" if case == "gg_3g" else "auto", seconds, seed)
    ansatz = "none" if method == "no-ansatz" else "dipoles" if case == "gg_3g" else "auto"
    if method == "ensemble":
        part = epochs / MEMBERS
        seeds = range(seed, seed + MEMBERS)
        return Ensemble([invariants(training, s, ansatz=ansatz, epochs=part) for s in seeds])
    return invariants(training, seed, ansatz=ansatz, epochs=epochs)


def records(case: str, method: str, found: Evaluation, cpu: float, seed: int) -> list[Record]:
    """What is written of one training."""
    values = {
        "median_abs_delta": (found.deviations.median, 0.0),
        "p99_abs_delta": (found.deviations.q99, 0.0),
        "eps2": (found.efficiency, found.efficiency_error),
        "us_per_point": (found.microseconds, 0.0),
        "train_cpu_s": (cpu, 0.0),
    }
    if found.pull_width is not None and found.pull_rms is not None:
        values["pull_width"] = (found.pull_width, 0.0)
        values["pull_rms"] = (found.pull_rms, 0.0)
    return [
        Record(case, method, metric, value, error, found.n, seed)
        for metric, (value, error) in values.items()
    ]


def main() -> None:
    """Runs the cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a tenth of points and epochs")
    parser.add_argument("--json", type=Path, help="write the records there")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("--methods", nargs="+", choices=(*METHODS, *ON_RATIO), default=METHODS)
    parser.add_argument("--epochs", type=float, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    about = machine(PACKAGES)
    print(in_words(about))
    print(
        f"{'case':8} {'method':15} {'50 %':>9} {'99 %':>9} {'ε₂':>15} {'µs':>6} {'width':>6}"
        f" {'rms':>6} {'CPU s':>6}"
    )
    written: list[Record] = []
    epochs = given.epochs / (QUICK if given.quick else 1)
    for case in given.cases:
        with one_thread():
            training, held = split(table(case, given.quick), HELD_OUT, given.seed)
            seconds = 60.0
            for method in given.methods:
                start = time.process_time()
                built = surrogate(method, case, training, epochs, seconds, given.seed)
                cpu = time.process_time() - start
                if method == "invariants":
                    seconds = cpu
                found = evaluate_surrogate(built, held)
                written += records(case, method, found, cpu, given.seed)
                d = found.deviations
                width, rms = found.pull_width, found.pull_rms
                print(
                    f"{case:8} {method:15} {d.median:9.3%} {d.q99:9.3%} "
                    f"{found.efficiency:8.4f}±{found.efficiency_error:.4f} "
                    f"{found.microseconds:6.2f} "
                    + (f"{width:6.3f} {rms:6.3f}" if width and rms else " " * 13)
                    + f" {cpu:6.0f}",
                    flush=True,
                )
    if given.json:
        write(given.json, about, written)


if __name__ == "__main__":
    main()
