"""Coverage of unfolding's 68 % bands on a Gaussian, toy by toy, and the bias of stopping apart from it.

    python benchmarks/unfolding_coverage.py [--quick] [--json FILE] [--method omnifold] [--toys N]
        [--iterations K] [--replicas B] [--seeds S] [--events N] [--toys-file FILE] [--part I/K]

Every toy draws N simulated events of truth N(0, 1) and Poisson(N) measured ones of truth N(0.2, 0.8),
both smeared by 0.5, unfolds them, and repeats that for B resamples of the data and B of the simulation,
each with S seeds. The band of a quantity is its value ± t·σ: σ² is the sum of the parts of data,
simulation and network from the analysis of variance, t is Student's factor for as few replicas
(Welch and Satterthwaite). Quantities: mean and standard deviation of the truth, and the sums of
weights in five bins.

Three things are told for each:
    `coverage`        how often the band holds what K iterations give with endless statistics and perfect
                      classifiers (exact expectation-maximisation): this calibrates the band
    `coverage_truth`  how often it holds the truth: bands know nothing of the bias of stopping
    `stopping_bias`   that bias, in mean σ; `method_bias`: mean of what is unfolded less the exact
                      expectation, in mean σ, with its error: networks and bins are not perfect

A file of toys goes on where it stands; `--part 0/2` and `--part 1/2` share the toys between two
processes with the same file, and a run without `--part` then judges all.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from records import Record, machine, write

from crosshook.core import random
from crosshook.core.component import Slot
from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.unfolder import Measured, Simulation, WeightFamily
from crosshook.core.unfolding.covariance import uncertainty
from crosshook.core.unfolding.inputs import Inputs
from crosshook.core.unfolding.replica_plan import ReplicaPlan
from crosshook.core.unfolding.replicas import families, run_parts
from crosshook.core.unfolding.spectra import Binning, mean_and_deviation, spectrum

if TYPE_CHECKING:
    from collections.abc import Sequence

MEAN, WIDTH, SMEARING = 0.2, 0.8, 0.5
BINS = Binning("z", (-2.0, -0.4, 0.0, 0.4, 0.8, 2.4))
QUANTITIES = ("mean", "sd", *(f"bin {i + 1}" for i in range(BINS.bins)))
NOMINAL = math.erf(math.sqrt(0.5))
"""What ± 1 σ of a Gaussian hold."""
SEED = 20261122
FIRST = 1000
"""Number of the first toy: those before it were for tuning."""
OPTIONS: dict[str, dict[str, object]] = {
    "ibu": {"bins": {"z": 40}, "reco_bins": {"z": 40}},
    # Small and quick: 0.6 s of a core a fit. Tuned on toys that are not counted.
    "omnifold": {
        "ensemble": 1,
        "hidden": 16,
        "depth": 1,
        "batch": 500,
        "epochs": 5,
        "later_epochs": 3,
        "learning_rate": 0.01,
        "validation": 0.0,
    },
}


@dataclass(frozen=True)
class Setting:
    """What a toy is made of."""

    method: str
    iterations: int
    events: int
    replicas: int
    seeds: int

    def slot(self) -> Slot:
        """The unfolder."""
        return Slot(self.method, {**OPTIONS[self.method], "iterations": self.iterations})


def exact(iterations: int, events: int) -> np.ndarray:
    """The quantities after so many exact iterations, row by row, and of the truth in the last one."""
    x = np.linspace(-6, 6, 2401)
    step = x[1] - x[0]

    def gaussian(mean: float | np.ndarray, sd: float) -> np.ndarray:
        return np.exp(-0.5 * ((x[:, None] - mean) / sd) ** 2) / (sd * math.sqrt(2 * math.pi))

    response = gaussian(x[None, :], SMEARING)
    density, nature = gaussian(0.0, 1.0)[:, 0], gaussian(MEAN, WIDTH)[:, 0]
    measured = gaussian(MEAN, math.hypot(WIDTH, SMEARING))[:, 0]
    densities = []
    for _ in range(iterations):
        density = density * (response.T @ (measured / (response @ density * step))) * step
        densities.append(density)
    found = []
    for density in (*densities, nature):
        mean = np.sum(x * density) * step
        sd = math.sqrt(float(np.sum((x - mean) ** 2 * density) * step))
        cumulative = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * step)])
        contents = np.diff(np.interp(BINS.edges, x, cumulative)) * events
        found.append([mean, sd, *contents])
    return np.array(found)


def toy(number: int, events: int) -> Inputs:
    """One measurement with its simulation."""
    rng = random.stream(SEED, "coverage", FIRST + number)
    seen = int(rng.poisson(events))
    z = rng.standard_normal(events)
    x = z + SMEARING * rng.standard_normal(events)
    data = MEAN + math.hypot(WIDTH, SMEARING) * rng.standard_normal(seen)

    def column(values: np.ndarray) -> Features:
        return Features(torch.from_numpy(values)[:, None], ("z",), ("",))

    every = torch.ones(events, dtype=torch.bool)
    return Inputs(
        Simulation(column(z), column(x), torch.ones(events, dtype=torch.float64), every, every),
        Measured(column(data), torch.ones(seen, dtype=torch.float64)),
    )


def unfold(number: int, setting: Setting) -> dict[str, object]:
    """Values, variances and degrees of freedom of a toy's quantities."""
    inputs = toy(number, setting.events)
    plan = ReplicaPlan(setting.replicas, setting.replicas, setting.seeds)
    seed = SEED + number
    with tempfile.TemporaryDirectory() as folder:
        made = families(run_parts(setting.slot(), inputs, plan, seed, folder=Path(folder)))
    truth = inputs.simulation.truth.dense[:, 0]

    def quantities(weights: torch.Tensor) -> np.ndarray:
        return np.concatenate(
            [mean_and_deviation(truth, weights), spectrum(truth, weights, BINS)], axis=1
        )

    ensemble = made["ensemble"].weights
    nominal = WeightFamily("nominal", ensemble.mean(dim=1, keepdim=True), ("nominal",))
    found = uncertainty({"nominal": nominal, **made}, quantities, averaged=setting.seeds)
    assert found.data is not None
    assert found.simulation is not None
    parts = [np.diagonal(found.data), np.diagonal(found.simulation)]
    network = np.zeros_like(parts[0]) if found.network is None else np.diagonal(found.network)
    total = np.maximum(np.diagonal(found.total), 0.0)
    freedom = total**2 / sum(part**2 / (setting.replicas - 1) for part in parts)
    return {
        "toy": number,
        "values": found.values.tolist(),
        "variances": total.tolist(),
        "network": network.tolist(),
        "freedom": freedom.tolist(),
    }


def student(freedom: np.ndarray) -> np.ndarray:
    """Half width, in σ̂, of the interval of Student's t that holds what ± 1 σ of a Gaussian do.

    Fisher's expansion at one standard deviation; off by 4·10⁻⁴ at seven degrees of freedom.
    """
    return 1 + 1 / (2 * freedom) + 1 / (4 * freedom**2)


def toys(setting: Setting, numbers: Sequence[int], path: Path | None) -> list[dict[str, object]]:
    """Results of some toys; those in the file are not done again."""
    key = json.dumps([setting.slot().as_dict(), setting.__dict__], sort_keys=True)
    done: dict[int, dict[str, object]] = {}
    if path is not None and path.exists():
        for line in path.read_text().splitlines():
            known, result = json.loads(line)
            if known == key:
                done[result["toy"]] = result
    for count, i in enumerate(numbers, 1):
        if i in done:
            continue
        done[i] = unfold(i, setting)
        if path is not None:
            with path.open("a") as file:
                file.write(json.dumps([key, done[i]]) + "\n")
        if count % max(1, len(numbers) // 10) == 0:
            print(f"{count} of {len(numbers)} toys, {os.times().user:.0f} s", flush=True)
    return [done[i] for i in numbers]


def judge(setting: Setting, results: list[dict[str, object]]) -> list[Record]:
    """Coverages with their binomial errors, and biases."""
    expected = exact(setting.iterations, setting.events)
    stopped, truth = expected[-2], expected[-1]
    values = np.array([r["values"] for r in results])
    sigma = np.sqrt(np.array([r["variances"] for r in results]))
    half = student(np.array([r["freedom"] for r in results])) * sigma
    n = len(results)
    typical = sigma.mean(axis=0)
    binomial = math.sqrt(NOMINAL * (1 - NOMINAL) / n)
    case, method = "gaussian", f"{setting.method}, {setting.iterations} iterations"
    records = []

    def add(quantity: str, metric: str, value: float, error: float) -> None:
        records.append(Record(f"{case}/{quantity}", method, metric, value, error, n, SEED))

    for i, quantity in enumerate(QUANTITIES):
        for metric, wanted in (("coverage", stopped), ("coverage_truth", truth)):
            inside = np.abs(values[:, i] - wanted[i]) <= half[:, i]
            add(quantity, metric, float(inside.mean()), binomial)
        pulls = (values[:, i] - stopped[i]) / sigma[:, i]
        add(quantity, "stopping_bias", float((stopped[i] - truth[i]) / typical[i]), 0.0)
        spread = float(values[:, i].std(ddof=1)) / math.sqrt(n) / typical[i]
        bias = float(values[:, i].mean() - stopped[i]) / typical[i]
        add(quantity, "method_bias", bias, spread)
        ratio = float(values[:, i].std(ddof=1) / math.sqrt(float((sigma[:, i] ** 2).mean())))
        add(quantity, "spread_over_sigma", ratio, ratio / math.sqrt(2 * (n - 1)))
        add(quantity, "pull_width", float(pulls.std(ddof=1)), 1 / math.sqrt(2 * (n - 1)))
    for metric in ("coverage", "coverage_truth"):
        found = [r.value for r in records if r.metric == metric and "/sd" not in r.case]
        add("mean over mean and bins", metric, float(np.mean(found)), binomial)
    return records


def show(records: list[Record]) -> None:
    """A line a quantity; `!` where the band of the expectation is off by three binomial errors."""
    for case in dict.fromkeys(r.case for r in records):
        by = {r.metric: r for r in records if r.case == case}
        held = by["coverage"]
        off = abs(held.value - NOMINAL) > 3 * held.error
        text = f"{'!' if off else ' '} {case:36} coverage {held.value:.3f} ± {held.error:.3f}"
        text += f"  of the truth {by['coverage_truth'].value:.3f}"
        if "stopping_bias" in by:
            text += f"  stopping {by['stopping_bias'].value:+.2f} σ"
            text += f"  method {by['method_bias'].value:+.2f} ± {by['method_bias'].error:.2f} σ"
            text += f"  spread/σ {by['spread_over_sigma'].value:.3f}"
        print(text)


def main() -> None:
    """Prints a line a quantity and writes the records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="20 toys of `ibu`")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records")
    parser.add_argument("--method", choices=OPTIONS, default="omnifold")
    parser.add_argument("--toys", type=int, default=400)
    parser.add_argument("--toys-file", type=Path, metavar="FILE", help="keep the toys' results")
    parser.add_argument("--part", default="0/1", metavar="I/K", help="every K-th toy from I on")
    parser.add_argument("--iterations", type=int, default=4)
    parser.add_argument("--replicas", type=int, default=8, help="of data, and of the simulation")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--events", type=int, default=2000)
    options = parser.parse_args()
    method = "ibu" if options.quick else options.method
    number = 20 if options.quick else options.toys
    setting = Setting(method, options.iterations, options.events, options.replicas, options.seeds)
    first, of = (int(n) for n in options.part.split("/"))
    records = judge(setting, toys(setting, range(first, number, of), options.toys_file))
    show(records)
    if options.json:
        write(options.json, machine(("torch", "numpy", "crosshook")), records)


if __name__ == "__main__":
    main()
