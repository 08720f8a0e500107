"""Calibration of the CP phase in pp → t h j: matrix-element method, ALICES, SALLY and a histogram.

    python benchmarks/cp_phase.py [--quick] [--json FILE] [--images FOLDER]
        [--pool N] [--integrals N] [--events N] [--set KEY=VALUE]

Process, detector and settings are those of examples/cp_phase.yaml. At each true phase a pool of events is
simulated; all methods fit pseudo-experiments made of the pool, the matrix-element method of its first events
only (--integrals). One thread, processor time.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from records import Record, in_words, machine, write

from crosshook.core import random
from crosshook.core.execute import one_thread
from crosshook.core.inference.cache import Cache
from crosshook.core.inference.estimators.joint import joint_events
from crosshook.core.inference.estimators.method import fit_estimator
from crosshook.core.inference.grid import ParameterGrid, make_axis
from crosshook.core.inference.integrals import IntegralSettings
from crosshook.core.inference.method import MatrixElementMethod
from crosshook.core.inference.prepared import prepare
from crosshook.core.inference.pseudo_experiments import drawn_rows, pseudo_experiments
from crosshook.core.inference.run_file import load_inference_file
from crosshook.core.inference.simulated import simulate_events
from crosshook.core.progress import Silent
from crosshook.core.report.drawing import draw
from crosshook.core.report.inference_figures import Line, LinesFigure

if TYPE_CHECKING:
    import torch

    from crosshook.core.inference.config import InferenceConfig
    from crosshook.core.inference.likelihood import EventLikelihoods
    from crosshook.core.inference.method import LikelihoodMethod
    from crosshook.core.inference.prepared import PreparedProcess
    from crosshook.core.interfaces.features import Features

EXAMPLE = Path(__file__).parents[1] / "examples" / "cp_phase.yaml"
CACHE = Path("runs") / "cp-phase-benchmark"
LEVEL = 0.6827
ESTIMATORS = ("alices", "sally", "histogram")
OBSERVABLES = ("pt_h", "jets.dphi")
"""Of histograms: the transverse momentum, and the azimuth between Higgs boson and leading jet."""


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    pool: int
    integrals: int
    events: int
    experiments: int
    truths: int


def methods(
    config: InferenceConfig, process: PreparedProcess, grid: ParameterGrid, sizes: Sizes
) -> dict[str, LikelihoodMethod]:
    """All methods by name; estimators learn from the same simulated events."""
    found: dict[str, LikelihoodMethod] = {}
    if sizes.integrals:
        settings = IntegralSettings(config.points, config.replicas, config.sequence, config.seed)
        found["mem"] = MatrixElementMethod(
            (process,), grid, settings, Cache(config.cache), Silent()
        )
    rng = random.torch_generator(config.seed, "estimators")
    events = joint_events(process, grid, config.estimator.events, rng, Silent(), scores=True)
    for name in ESTIMATORS:
        columns = OBSERVABLES if name == "histogram" else (None,)
        for column in columns:
            estimator = replace(config.estimator, observable=column)
            chosen = replace(config, method=name, estimator=estimator)
            label = name if column is None else f"{name} {column}"
            found[label] = fit_estimator(chosen, process, grid, events, rng, Silent())
    return found


def calibrated(
    name: str,
    method: LikelihoodMethod,
    grid: ParameterGrid,
    place: int,
    reco: Features,
    sizes: Sizes,
    seed: int,
) -> list[Record]:
    """Pseudo-experiments of one method at one true phase."""
    began = time.process_time()
    pool = method.likelihoods(reco, f"pool {place}", keep=False)
    spent = 1e3 * (time.process_time() - began) / len(reco)
    rng = random.torch_generator(seed, f"toys/{place}")
    rows = drawn_rows(len(reco), sizes.events, sizes.experiments, rng)
    toys = pseudo_experiments(pool, grid.axes[0].name, place, rows, rng)
    truth = float(grid.axes[0].values[place])
    bias, error = toys.bias
    coverage, coverage_error = toys.coverage(LEVEL)
    neyman, neyman_error = neyman_coverage(pool, grid.axes[0].name, place, sizes, rng)
    case, n = f"th-cp α={truth:.3f}", sizes.experiments
    made = [
        Record(case, name, "bias", bias, error, n, seed),
        Record(case, name, "width", float(toys.width.mean()), 0.0, n, seed),
        Record(case, name, "spread", float(toys.best.std()), 0.0, n, seed),
        Record(case, name, "coverage68", coverage, coverage_error, n, seed),
        Record(case, name, "coverage68_neyman", neyman, neyman_error, n, seed),
        Record(case, name, "ms_per_event", spent, 0.0, len(reco), seed),
    ]
    if name == "mem":
        share = float(pool.effective.mean())
        made.append(Record(case, name, "ess_fraction", share, 0.0, len(reco), seed))
    return made


def neyman_coverage(
    pool: EventLikelihoods, name: str, place: int, sizes: Sizes, rng: torch.Generator
) -> tuple[float, float]:
    """Coverage of Neyman's intervals, of critical values from events that the data sets do not have.

    One half of the pool gives them, the data sets are of the other. The halves are not exchanged: what
    one gained by the difference of their critical values the other would lose, and the mean be near
    the nominal value whatever they are.
    """
    half = len(pool) // 2
    known, tried = (
        pseudo_experiments(
            pool,
            name,
            place,
            first + drawn_rows(half, sizes.events, sizes.experiments, rng),
            rng,
        )
        for first in (0, half)
    )
    inside = (tried.statistic <= known.critical(LEVEL)).double().mean()
    # an error of the critical value is as one of the coverage
    return float(inside), (known.coverage(LEVEL)[1] ** 2 + tried.coverage(LEVEL)[1] ** 2) ** 0.5


def run(config: InferenceConfig, sizes: Sizes) -> list[Record]:
    """All records."""
    (settings,) = config.axes
    axis = make_axis(
        settings.name,
        settings.low,
        settings.high,
        settings.points,
        settings.period,
        nuisance=False,
        constraint=None,
        where="parameters",
    )
    grid = ParameterGrid((axis,))
    chosen = config if sizes.integrals else replace(config, proposal=None)
    process = prepare(config.processes[0], grid, chosen, Cache(config.cache), Silent())
    every = methods(config, process, grid, sizes)
    records = []
    for number in range(sizes.truths):
        place = number * len(grid) // sizes.truths
        rng = random.torch_generator(config.seed, f"pool/{place}")
        theta = process.theta[place]
        reco = simulate_events(process.model, process.simulator, theta, sizes.pool, rng).reco
        for name, method in every.items():
            some = reco.select(slice(0, sizes.integrals)) if name == "mem" else reco
            found = calibrated(name, method, grid, place, some, sizes, config.seed)
            print_records(found)
            records += found
    return records


def pictures(records: list[Record]) -> dict[str, str]:
    """Estimated against true phase with the widths of intervals, and coverage, as SVG by name."""
    methods = list(dict.fromkeys(r.method for r in records))
    found = {(r.method, r.metric, phase_of(r)): r for r in records}
    truths = sorted({phase_of(r) for r in records})
    step = 0.05  # methods stand beside each other
    estimated, covered = [], []
    for number, method in enumerate(methods):
        shift = step * (number - (len(methods) - 1) / 2)
        places = tuple(truth + shift for truth in truths)

        def column(metric: str, method: str = method) -> list[Record]:
            return [found[method, metric, truth] for truth in truths]

        middle = [t + r.value for t, r in zip(truths, column("bias"), strict=True)]
        width = [r.value for r in column("width")]
        low, high = (
            tuple(m + sign * w for m, w in zip(middle, width, strict=True)) for sign in (-1, 1)
        )
        estimated.append(Line(method, places, tuple(middle), low, high, points=True))
        share = column("coverage68")
        low, high = (tuple(r.value + sign * r.error for r in share) for sign in (-1, 1))
        values = tuple(r.value for r in share)
        covered.append(Line(method, places, values, low, high, points=True))
    truth = Line("truth", tuple(truths), tuple(truths))
    axis = "true $\\alpha$"
    ordinate = "mean estimate, half width of its 68 % interval"
    curve = LinesFigure("phase", "", "", "", axis, ordinate, (*estimated, truth))
    share = LinesFigure(
        "coverage",
        "",
        "",
        "",
        axis,
        "coverage of 68.3 % intervals",
        tuple(covered),
        levels=(("68.3 %", LEVEL),),
        highest=1.0,
        from_zero=True,
    )
    return {"cp-phase-calibration": draw(curve), "cp-phase-coverage": draw(share)}


def phase_of(record: Record) -> float:
    """The true phase that a record is of."""
    return float(record.case.rpartition("=")[2])


def print_records(records: list[Record]) -> None:
    """One line a record."""
    for r in records:
        error = f" ± {r.error:.2g}" if r.error else ""
        print(f"{r.case:<18} {r.method:<20} {r.metric:<14} {r.value:.4g}{error}", flush=True)


def main() -> None:
    """Runs and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small samples")
    parser.add_argument("--json", type=Path, help="where records go")
    parser.add_argument("--images", type=Path, help="folder pictures go to")
    parser.add_argument("--pool", type=int, default=20_000, help="events at a true phase")
    parser.add_argument("--integrals", type=int, default=2_000, help="of these for mem; 0 without")
    parser.add_argument("--events", type=int, default=60, help="of a pseudo-experiment")
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE of the run file")
    given = parser.parse_args()
    sizes = Sizes(given.pool, given.integrals, given.events, 500, 6)
    more = list(given.set)
    if given.quick:
        sizes = Sizes(min(given.pool, 1000), min(given.integrals, 50), given.events, 100, 2)
        more = [
            "parameters.cp_phase.points=8",
            "integral.training.events=4000",
            "integral.training.passes=4",
            "estimator.events=4000",
            *more,
        ]
    config = load_inference_file(EXAMPLE, settings=more, output=CACHE)
    about = machine(("torch", "numpy", "crosshook"))
    print(in_words(about))
    with one_thread():
        records = run(config, sizes)
    if given.json:
        write(given.json, about, records)
    if given.images:
        for name, text in pictures(records).items():
            (given.images / f"{name}.svg").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
