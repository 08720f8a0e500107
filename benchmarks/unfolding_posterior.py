"""Unfolders by a posterior: each iteration against exact expectation maximisation on a Gaussian, and
the ranks of truth among draws; on Z+jet, Δ of every observable after each iteration.

    python benchmarks/unfolding_posterior.py [--quick] [--methods NAME ...] [--cases NAME ...]
        [--seeds N] [--iterations K] [--json FILE]

`zjet` needs CROSSHOOK_REFERENCE_DATA. Exact maximisation, with the densities' own formulas instead of
networks and of measured events, gives its weights to the simulated events of the same sample
(`delta_exact_em`): what is beyond them are networks and the statistics of the measured events.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from records import Record, machine, write
from unfolding_methods import BINNINGS

from crosshook.core.context import BuildContext
from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.unfolder import Measured, Simulation
from crosshook.core.random import torch_generator
from crosshook.core.registry import default_registry
from crosshook.core.unfolding.spectra import delta

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.unfolder import EventWiseUnfolder

METHODS = ("conditional-flow", "conditional-flow-matching")
SMEARING, MEAN, WIDTH = 0.5, 0.2, 0.8
EDGES = np.linspace(-4.0, 4.0, 41)
GRID = np.linspace(-6.0, 6.0, 601)


def build(method: str, names: tuple[str, ...], iterations: int) -> EventWiseUnfolder:
    """An unfolder with its defaults."""
    slot = {"use": method, "options": {"iterations": iterations}}
    built = default_registry().build("unfolder", slot, BuildContext(features=names))
    return cast("EventWiseUnfolder", built)


def columns(rows: Tensor, names: tuple[str, ...]) -> Features:
    """Features without units."""
    return Features(rows, names, ("",) * len(names))


def ones(n: int) -> Tensor:
    """Unit weights."""
    return torch.ones(n, dtype=torch.float64)


def gaussian(x: np.ndarray, mean: float | np.ndarray, width: float) -> np.ndarray:
    """Normal density."""
    return np.exp(-0.5 * ((x - mean) / width) ** 2) / (width * math.sqrt(2 * math.pi))


def exact(iterations: int) -> list[np.ndarray]:
    """Densities of the truth on the grid after each iteration with perfect networks."""
    step = GRID[1] - GRID[0]
    response = gaussian(GRID[:, None], GRID[None, :], SMEARING)
    density, seen = gaussian(GRID, 0.0, 1.0), gaussian(GRID, MEAN, math.hypot(WIDTH, SMEARING))
    found = []
    for _ in range(iterations):
        density = density * (response.T @ (seen / (response @ density * step))) * step
        found.append(density)
    return found


def moments(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation."""
    mean = float(np.average(values, weights=weights))
    return mean, math.sqrt(float(np.average((values - mean) ** 2, weights=weights)))


def on_gaussian(method: str, n: int, iterations: int, seed: int) -> list[Record]:
    """One sample: simulation N(0, 1), nature N(0.2, 0.8), smearing 0.5."""

    def normal(purpose: str) -> Tensor:
        return torch.randn(n, generator=torch_generator(seed, purpose), dtype=torch.float64)

    truth, nature = normal("truth"), MEAN + WIDTH * normal("nature")
    reco, measured = truth + SMEARING * normal("reco"), nature + SMEARING * normal("measured")
    everywhere = torch.ones(n, dtype=torch.bool)
    simulation = Simulation(
        columns(truth[:, None], ("x",)),
        columns(reco[:, None], ("x",)),
        ones(n),
        everywhere,
        everywhere,
    )
    data = Measured(columns(measured[:, None], ("x",)), ones(n))
    unfolder = build(method, ("x",), iterations)
    start = time.process_time()
    unfolder.fit(simulation, data, None, torch_generator(seed, "fit"))
    made = [("cpu_s", time.process_time() - start)]
    values, target = truth.numpy(), np.histogram(nature.numpy(), EDGES)[0].astype(float)
    weights = unfolder.unfold().families["iterations"].weights.numpy()
    for k, density in enumerate(exact(iterations)):
        factor = np.interp(values, GRID, density / gaussian(GRID, 0.0, 1.0))
        deltas, found = [], []
        for weight in (weights[:, k], factor):
            deltas.append(delta(target, np.histogram(values, EDGES, weights=weight)[0]))
            found.append(moments(values, weight))
        made += [
            (f"mean_minus_exact/{k + 1}", found[0][0] - found[1][0]),
            (f"sd_minus_exact/{k + 1}", found[0][1] - found[1][1]),
            (f"delta/{k + 1}", deltas[0]),
            (f"delta_exact_em/{k + 1}", deltas[1]),
        ]
    made += ranks(unfolder, seed)
    return [Record("gaussian", method, name, value, 0.0, n, seed) for name, value in made]


def ranks(
    unfolder: EventWiseUnfolder, seed: int, events: int = 5000, draws: int = 50
) -> list[tuple[str, float]]:
    """Mean and variance of the rank of a new event's truth among the draws of its posterior, the
    variance over that of exact draws, (1 + 2/draws)/12.
    """
    rng = torch_generator(seed, "new")
    truth = torch.randn(events, generator=rng, dtype=torch.float64)
    reco = truth + SMEARING * torch.randn(events, generator=rng, dtype=torch.float64)
    drawn, _ = unfolder.posterior(
        Measured(columns(reco[:, None], ("x",)), ones(events)), draws, rng
    )
    rank = (drawn.dense[:, 0].view(events, draws) < truth[:, None]).double().mean(dim=1)
    exact_variance = (1 + 2 / draws) / 12
    return [
        ("rank_mean", float(rank.mean())),
        ("rank_variance_over_exact", float(rank.var()) / exact_variance),
    ]


def on_zjet(method: str, share: float, iterations: int, seed: int) -> list[Record]:
    """The reference samples, eight observables at once."""
    import pyarrow.parquet as pq

    folder = Path(os.environ["CROSSHOOK_REFERENCE_DATA"]) / "unfolding"
    names = tuple(BINNINGS)

    def read(name: str) -> tuple[Features, Features, Tensor, Tensor]:
        table = pq.read_table(folder / name)
        table = table.slice(0, round(share * table.num_rows))
        levels = [
            columns(
                torch.from_numpy(
                    np.stack([table[f"{level}_{c}"].to_numpy() for c in names], axis=1)
                ).double(),
                names,
            )
            for level in ("truth", "reco")
        ]
        flags = [torch.from_numpy(np.array(table[f"pass_{level}"])) for level in ("truth", "reco")]
        return levels[0], levels[1], flags[0], flags[1]

    truth, reco, has_truth, has_reco = read("zjet_sim.parquet")
    nature, measured, true, seen = read("zjet_nature.parquet")
    n = len(truth)
    unfolder = build(method, names, iterations)
    start, wall = time.process_time(), time.perf_counter()
    unfolder.fit(
        Simulation(truth, reco, ones(n), has_truth, has_reco),
        Measured(measured.select(seen), ones(int(seen.sum()))),
        None,
        torch_generator(seed, "fit"),
    )
    made = [
        ("zjet", "cpu_s", time.process_time() - start),
        ("zjet", "wall_s", time.perf_counter() - wall),
    ]
    result = unfolder.unfold()
    weights = result.families["iterations"].weights.numpy()
    made.append(("zjet", "normalisation", weights[:, -1].sum() / int(true.sum()) - 1))
    for i, (name, (edges, _)) in enumerate(BINNINGS.items()):
        target = np.histogram(nature.dense[true, i].numpy(), edges)[0].astype(float)
        rows = result.truth.dense[:, i].numpy()
        for k in range(iterations):
            spectrum = np.histogram(rows, edges, weights=weights[:, k])[0]
            made.append((f"zjet/{name}", f"delta/{k + 1}", delta(target, spectrum)))
    return [Record(case, method, metric, value, 0.0, n, seed) for case, metric, value in made]


def show(records: list[Record]) -> None:
    """Medians over the seeds, a line a figure."""
    groups: dict[tuple[str, str, str], list[float]] = {}
    for r in records:
        groups.setdefault((r.case, r.method, r.metric), []).append(r.value)
    for (case, method, metric), values in groups.items():
        spread = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
        print(f"{case:12} {method:26} {metric:26} {statistics.median(values):10.4f}{spread}")


def main() -> None:
    """Runs, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="a tenth of the events, one seed")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--cases", nargs="+", choices=("gaussian", "zjet"), default=["gaussian"])
    parser.add_argument("--seeds", type=int, default=5, help="samples of the Gaussian")
    parser.add_argument("--iterations", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records")
    options = parser.parse_args()
    if "zjet" in options.cases and not os.environ.get("CROSSHOOK_REFERENCE_DATA"):
        parser.error("CROSSHOOK_REFERENCE_DATA is not set: the folder of the reference data")
    share, seeds = (0.1, 1) if options.quick else (1.0, options.seeds)
    records: list[Record] = []
    for method in options.methods:
        if "gaussian" in options.cases:
            for seed in range(1, seeds + 1):
                records += on_gaussian(method, round(30_000 * share), options.iterations, seed)
        if "zjet" in options.cases:
            records += on_zjet(method, share, options.iterations, 1)
    show(records)
    if options.json:
        write(options.json, machine(("torch", "numpy", "crosshook")), records)


if __name__ == "__main__":
    main()
