"""Accuracy and cost of unfolding: a Gaussian against exact expectation maximisation, and Z+jet.

    python benchmarks/unfolding.py [--quick] [--json FILE] [--cases NAME ...] [--methods NAME ...]

gaussian: truth N(0, 1), nature N(0.2, 0.8), smearing 0.5, 30,000 events each, 40 bins in [-4, 4]; the
median over seeds. zjet: all observables of data/unfolding in CROSSHOOK_REFERENCE_DATA at once (ibu:
each alone). Δ = ½ Σ (p - q)²/(p + q) · 10³ of normalised spectra, overflow in the outer bins.

delta_over_exact_em has below it the Δ of exact weights on the same events; delta_over_limit the mean
+ 2 standard deviations of Δ in toys: the simulation resampled with weights that a classifier on truth
gives, against an independent nature of the measured size. Records: delta, delta_over_exact_em,
delta_over_limit, wall_s, normalisation.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from records import Record, in_words, machine, write

from crosshook.core.context import BuildContext
from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.unfolder import Measured, Simulation
from crosshook.core.random import torch_generator
from crosshook.core.registry import default_registry

Floats = NDArray[np.float64]
SEED = 20261122
EDGES: dict[str, Floats] = {
    "m": np.linspace(0, 70, 26),
    "mult": np.linspace(0, 75, 26),
    "width": np.linspace(0, 0.25, 26),
    "tau21": np.linspace(0, 1.2, 25),
    "lnrho": np.linspace(-14, -2, 25),
    "zg": np.concatenate([[0.0], np.linspace(0.1, 0.5, 17)]),
    "pt": np.concatenate([np.linspace(100, 400, 21), [500.0, 700.0, 1000.0]]),
    "eta": np.linspace(-2.1, 2.1, 22),
}
COLUMNS = {name: {"width": "w"}.get(name, name) for name in EDGES}
CASES, METHODS = ("gaussian", "zjet"), ("omnifold", "ibu")
TOYS = 300


def spectrum(values: Floats, edges: Floats, weight: Floats | None = None) -> Floats:
    """Contents of bins, what is outside in the outer ones."""
    inside = np.clip(values, edges[0], np.nextafter(edges[-1], edges[0]))
    return np.histogram(inside, edges, weights=weight)[0].astype(float)


def delta(a: Floats, b: Floats) -> float:
    """Δ of two spectra."""
    p, q = a / a.sum(), b / b.sum()
    full = p + q > 0
    return float(500.0 * np.sum((p - q)[full] ** 2 / (p + q)[full]))


def features(columns: Floats, names: tuple[str, ...]) -> Features:
    """Dense columns `(n, f)`."""
    return Features(torch.from_numpy(columns.astype(float)), names, ("",) * len(names))


def unfolded(
    method: str, simulation: Simulation, measured: Measured, options: dict[str, object], seed: int
) -> tuple[Floats, float]:
    """Weights of every iteration, `(n, iterations)`, and seconds."""
    slot = {"use": method, "options": options}
    built = default_registry().build("unfolder", slot, BuildContext())
    start = time.perf_counter()
    built.fit(simulation, measured, None, torch_generator(seed, "unfolding"))  # type: ignore[attr-defined]
    seconds = time.perf_counter() - start
    families = built.unfold().families.values()  # type: ignore[attr-defined]
    (found,) = (f for f in families if f.kind == "iteration")
    return found.weights.numpy(), seconds


def exact_weights(z: Floats, iterations: int) -> Floats:
    """Weights of the exact expectation maximisation, `(n, iterations)`."""
    x = np.linspace(-8, 8, 1601)
    dx = x[1] - x[0]

    def normal(x: Floats, mean: float | Floats, sd: float) -> Floats:
        value: Floats = np.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
        return value

    response = normal(x[:, None], x[None, :], 0.5)
    density, measured = normal(x, 0.0, 1.0), normal(x, 0.2, float(np.hypot(0.8, 0.5)))
    prior, columns = density, []
    for _ in range(iterations):
        density = density * (response.T @ (measured / (response @ density * dx))) * dx
        columns.append(np.interp(z, x, density / prior))
    return np.stack(columns, axis=1)


def gaussian(methods: list[str], quick: bool, iterations: int, seeds: int) -> list[Record]:
    """The Gaussian closure."""
    n, edges = 30_000 // (10 if quick else 1), np.linspace(-4, 4, 41)
    rows: dict[str, list[tuple[Floats, Floats, float]]] = {method: [] for method in methods}
    for seed in range(seeds):
        rng = np.random.default_rng(SEED + seed)
        z, nature = rng.normal(size=n), rng.normal(0.2, 0.8, n)
        one = torch.ones(n, dtype=torch.float64)
        reco = z + 0.5 * rng.normal(size=n)
        data = nature + 0.5 * rng.normal(size=n)
        simulation = Simulation(
            features(z[:, None], ("x",)), features(reco[:, None], ("x",)), one, one > 0, one > 0
        )
        wanted = spectrum(nature, edges)
        best = [delta(spectrum(z, edges, w), wanted) for w in exact_weights(z, iterations).T]
        for method in methods:
            options: dict[str, object] = {"iterations": iterations}
            if method == "ibu":
                options["bins"] = [float(e) for e in edges]
            weights, seconds = unfolded(
                method, simulation, Measured(features(data[:, None], ("x",)), one), options, seed
            )
            found = [delta(spectrum(z, edges, w), wanted) for w in weights.T]
            rows[method].append((np.array(found), np.array(best), seconds))
    records = []
    for method, each in rows.items():
        found = np.median([f for f, _, _ in each], axis=0)
        best = np.median([b for _, b, _ in each], axis=0)
        for i in range(iterations):
            case = f"gaussian/{i + 1}"
            records.append(Record(case, method, "delta", float(found[i]), 0.0, n, SEED))
            ratio = float(found[i] / best[i])
            records.append(Record(case, method, "delta_over_exact_em", ratio, 0.0, n, SEED))
        wall = float(np.median([s for _, _, s in each]))
        records.append(Record("gaussian", method, "wall_s", wall, 0.0, n, SEED))
    return records


def read_zjet(
    which: str, share: int
) -> tuple[Floats, Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Truth and reco columns of a sample, and which level each event has."""
    folder = os.environ.get("CROSSHOOK_REFERENCE_DATA")
    if folder is None:
        message = "zjet: set CROSSHOOK_REFERENCE_DATA, or leave it out with --cases"
        raise SystemExit(message)
    table = pq.read_table(Path(folder) / "unfolding" / f"zjet_{which}.parquet")
    table = table.slice(0, table.num_rows // share)
    levels = [
        np.stack([table[f"{level}_{c}"].to_numpy() for c in COLUMNS.values()], axis=1)
        for level in ("truth", "reco")
    ]
    return (*levels, table["pass_truth"].to_numpy(), table["pass_reco"].to_numpy())


def limits(truth: Floats, nature: Floats) -> dict[str, float]:
    """Mean + 2 standard deviations of Δ in toys, by observable."""
    names = tuple(EDGES)
    one, more = (torch.ones(len(rows), dtype=torch.float64) for rows in (truth, nature))
    perfect = Simulation(features(truth, names), features(truth, names), one, one > 0, one > 0)
    weights, _ = unfolded(
        "omnifold", perfect, Measured(features(nature, names), more), {"iterations": 1}, SEED
    )
    rng, weight, found = np.random.default_rng(SEED), weights[:, -1], {}
    for i, (name, edges) in enumerate(EDGES.items()):
        expected = spectrum(truth[:, i], edges, weight)
        toys = [
            delta(
                spectrum(truth[:, i], edges, weight * rng.poisson(1.0, len(weight))),
                rng.multinomial(len(nature), expected / expected.sum()).astype(float),
            )
            for _ in range(TOYS)
        ]
        found[name] = float(np.mean(toys) + 2 * np.std(toys))
    return found


def zjet(methods: list[str], quick: bool, iterations: int) -> list[Record]:
    """All observables of Z+jet."""
    share, names = (10 if quick else 1), tuple(EDGES)
    truth, reco, has_truth, has_reco = read_zjet("sim", share)
    nature, seen, is_true, is_seen = read_zjet("nature", share)
    n, wanted = len(seen[is_seen]), nature[is_true]
    weight = torch.ones(len(truth), dtype=torch.float64)
    masks = torch.from_numpy(has_truth.copy()), torch.from_numpy(has_reco.copy())
    ones = torch.ones(n, dtype=torch.float64)
    allowed = limits(truth[has_truth], wanted)
    records = []
    for method in methods:
        alone = method == "ibu"
        for chosen in [[i] for i in range(len(names))] if alone else [list(range(len(names)))]:
            some = tuple(names[i] for i in chosen)
            options: dict[str, object] = {"iterations": iterations}
            if alone:
                options["bins"] = [float(e) for e in EDGES[some[0]]]
            simulation = Simulation(
                features(truth[:, chosen], some), features(reco[:, chosen], some), weight, *masks
            )
            measured = Measured(features(seen[is_seen][:, chosen], some), ones)
            weights, seconds = unfolded(method, simulation, measured, options, SEED)
            for i in chosen:
                found = delta(
                    spectrum(truth[has_truth, i], EDGES[names[i]], weights[:, -1]),
                    spectrum(wanted[:, i], EDGES[names[i]]),
                )
                case = f"zjet/{names[i]}"
                ratio = found / allowed[names[i]]
                records.append(Record(case, method, "delta", found, 0.0, n, SEED))
                records.append(Record(case, method, "delta_over_limit", ratio, 0.0, n, SEED))
            place = f"zjet/{some[0]}" if alone else "zjet"
            total = float(weights[:, -1].sum() / len(wanted))
            records.append(Record(place, method, "normalisation", total, 0.0, n, SEED))
            records.append(Record(place, method, "wall_s", seconds, 0.0, n, SEED))
    return records


def main() -> None:
    """Runs the cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a tenth of the events, two seeds")
    parser.add_argument("--json", type=Path, help="write the records there")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--iterations", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=20)
    given = parser.parse_args()
    about = machine(("torch", "numpy", "crosshook"))
    print(in_words(about))
    written: list[Record] = []
    methods = list(given.methods)
    if "gaussian" in given.cases:
        seeds = 2 if given.quick else given.seeds
        written += gaussian(methods, given.quick, given.iterations, seeds)
    if "zjet" in given.cases:
        written += zjet(methods, given.quick, given.iterations)
    for record in written:
        print(f"{record.case:14} {record.method:10} {record.metric:20} {record.value:9.4g}")
    if given.json:
        write(given.json, about, written)


if __name__ == "__main__":
    main()
