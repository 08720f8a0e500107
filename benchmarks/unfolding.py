"""Accuracy and cost of unfolding: a Gaussian against exact expectation maximisation, and Z+jet.

    python benchmarks/unfolding.py [--quick] [--json FILE] [--cases NAME ...] [--methods NAME ...]
        [--ensemble N] [--omnifold-python PYTHON]

gaussian: truth N(0, 1), nature N(0.2, 0.8), smearing 0.5, 30,000 events each, 40 bins in [-4, 4]; the
median over seeds; omnifold has six networks. gaussian-default: the same, and omnifold has as many as by
default, as everywhere else. zjet: all observables of data/unfolding in CROSSHOOK_REFERENCE_DATA at once (ibu:
each alone). unseen-m: the same without reconstructed m, to which the detector answers differently in
the two samples. same-response: 40 % of that simulation, with weights that turn its truth into nature's,
take nature's place; the rest unfolds them. twin: the same without the weights, so that nothing is to be
changed. These last three are for the method omnifold alone. PyPI omnifold is run by the interpreter PYTHON of
an environment that has it.

Δ = ½ Σ (p - q)²/(p + q) · 10³ of normalised spectra, overflow in the outer bins. delta_over_exact_em
has below it the Δ of exact weights on the same events (medians of both; mean_delta_over_exact_em has
means, whose ratio is known better); delta_over_limit the mean + 2 standard deviations of Δ in toys of
perfect weights. response_floor: Δ of *reconstructed* spectra of nature and
of the simulation with perfect weights of its truth. Metrics without a number are of iteration 4, or of
the last one where there are fewer, `/k` those of iteration k; wall_s and cpu_s are of the fit until then.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from records import Record, in_words, machine, write
from unfolding_contest import methods, samples
from unfolding_contest.figures import EDGES, delta, limit, spectrum

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unfolding_contest.figures import Floats
    from unfolding_contest.methods import Unfolding
    from unfolding_contest.samples import Events

SEED = 20261122
CASES = ("gaussian", "gaussian-default", "zjet", "unseen-m", "same-response", "twin")
HEADLINE = 4
"""The iteration whose figures have no number."""
RESAMPLES = 1000
"""Of the seeds, for errors of ratios."""
GAUSSIAN_EDGES = np.linspace(-4, 4, 41)
NETWORKS = 6
"""Of omnifold on the Gaussian; chosen on 12 samples that are not among those measured."""


def unfolded(
    method: str,
    simulation: Events,
    nature: Events,
    given: argparse.Namespace,
    edges: Floats,
    seed: int,
) -> Unfolding:
    """By one method; `edges` are those of ibu's column."""
    if method == methods.PACKAGE:
        python, number = given.omnifold_python, given.package_iterations
        return methods.package(python, simulation, nature, number, seed)
    options: dict[str, object] = {"iterations": given.iterations}
    if method == "ibu":
        options["bins"] = [float(e) for e in edges]
    elif given.ensemble:
        options["ensemble"] = given.ensemble
    return methods.component(method, simulation, nature, options, seed)


def numbered(
    case: str,
    method: str,
    metric: str,
    values: Sequence[float],
    n: int,
    errors: Sequence[float] = (),
) -> list[Record]:
    """A record an iteration, and the headline."""
    errors = errors or [0.0] * len(values)
    names = [f"{metric}/{k}" for k in range(1, len(values) + 1)]
    found = [
        Record(case, method, name, value, error, n, SEED)
        for name, value, error in zip(names, values, errors, strict=True)
    ]
    k = min(HEADLINE, len(values)) - 1
    return [Record(case, method, metric, values[k], errors[k], n, SEED), *found]


def times(case: str, method: str, found: Sequence[Unfolding], n: int) -> list[Record]:
    """Medians of both clocks."""
    records = []
    for metric in ("wall_s", "cpu_s"):
        each = np.median([getattr(f, metric) for f in found], axis=0)
        if len(each) > 1:
            records += numbered(case, method, metric, each.tolist(), n)
        else:
            records.append(Record(case, method, metric, float(each[0]), 0.0, n, SEED))
    return records


def gaussian(case: str, chosen: Sequence[str], given: argparse.Namespace) -> list[Record]:
    """The Gaussian closure: medians over seeds, with the error of a median."""
    n = 30_000 // (10 if given.quick else 1)
    records, drawn = [], [samples.gaussian(n, SEED + seed) for seed in range(given.seeds)]
    for method in chosen:
        rows, results = [], []
        for number, (simulation, nature) in enumerate(drawn):
            result = unfolded(method, simulation, nature, given, GAUSSIAN_EDGES, number)
            z, wanted = simulation.truth[:, 0], spectrum(nature.truth[:, 0], GAUSSIAN_EDGES)
            exact = samples.exact_weights(z, result.weights.shape[1])
            rows.append([of_gaussian(z, w, wanted) for w in (result.weights, exact)])
            results.append(result)
        found, best = np.moveaxis(np.array(rows), 1, 0)
        error = 1.25 * found.std(axis=0, ddof=1) / np.sqrt(len(found))
        middle = np.median(found, axis=0)
        records += numbered(case, method, "delta", middle[:, 0].tolist(), n, error[:, 0].tolist())
        for name, of in (("delta", np.median), ("mean_delta", np.mean)):
            over, scatter = ratio(found[:, :, 0], best[:, :, 0], of)
            metric = f"{name}_over_exact_em"
            records += numbered(case, method, metric, over.tolist(), n, scatter.tolist())
        for i, metric in ((1, "mean_minus_exact"), (2, "sd_minus_exact")):
            off = found[:, :, i] - best[:, :, i]
            scatter = off.std(axis=0, ddof=1) / np.sqrt(len(off))
            records += numbered(
                case, method, metric, off.mean(axis=0).tolist(), n, scatter.tolist()
            )
        records += times(case, method, results, n)
    return records


def ratio(found: Floats, best: Floats, of: Callable[..., Floats]) -> tuple[Floats, Floats]:
    """A median or mean over samples to that of the best, with its error.

    Args:
        found: Δ of each sample after each iteration, `(s, k)`.
        best: the same of exact weights on the same samples.
        of: numpy's median or mean.

    Returns:
        Ratios `(k,)`, and their scatter when the samples are drawn again, with replacement.
    """
    number = len(found)
    drawn = np.random.default_rng(SEED).integers(number, size=(RESAMPLES, number))
    again = of(found[drawn], axis=1) / of(best[drawn], axis=1)
    scatter: Floats = again.std(axis=0, ddof=1)
    return of(found, axis=0) / of(best, axis=0), scatter


def of_gaussian(z: Floats, weights: Floats, wanted: Floats) -> list[list[float]]:
    """Δ, mean and standard deviation after each iteration."""
    rows = []
    for w in weights.T:
        mean = float(np.average(z, weights=w))
        deviation = float(np.sqrt(np.average((z - mean) ** 2, weights=w)))
        rows.append([delta(spectrum(z, GAUSSIAN_EDGES, w), wanted), mean, deviation])
    return rows


def perfect_weights(simulation: Events, nature: Events) -> Floats:
    """Weights of the simulated truth rows that a classifier on truth gives, in units of nature's."""
    seen = [
        samples.Events(e.names, t, t, every, every, w)
        for e in (simulation, nature)
        for t, w in [e.true]
        for every in [np.ones(len(w), dtype=bool)]
    ]
    return methods.component("omnifold", seen[0], seen[1], {"iterations": 1}, SEED).weights[:, -1]


def judged(
    case: str,
    chosen: Sequence[str],
    simulation: Events,
    nature: Events,
    perfect: Floats,
    given: argparse.Namespace,
) -> list[Record]:
    """All observables of a measurement of Z+jet.

    Args:
        case: its name.
        chosen: methods.
        simulation: its weights are 1.
        nature: what is measured, with its truth.
        perfect: weights of the simulated truth rows with the spectra of nature's truth.
        given: the command line.
    """
    n, (truth, _), (wanted, weight) = len(nature.seen[1]), simulation.true, nature.true
    allowed = [
        limit((truth[:, i], perfect), weight, edges, SEED)
        for i, edges in enumerate(EDGES.values())
    ]
    everything, records = list(range(len(EDGES))), []
    for i, (name, edges) in enumerate(EDGES.items()):
        target = spectrum(wanted[:, i], edges, weight)
        for method, w in (("simulation", None), ("perfect weights", perfect)):
            value = delta(spectrum(truth[:, i], edges, w), target)
            records.append(Record(f"{case}/{name}", method, "delta", value, 0.0, n, SEED))
        records.append(Record(f"{case}/{name}", "toys", "limit", allowed[i], 0.0, n, SEED))
    for method in chosen:
        alone = method == "ibu"
        for some in [[i] for i in everything] if alone else [everything]:
            columns = simulation.columns(some), nature.columns(some)
            result = unfolded(method, *columns, given, list(EDGES.values())[some[0]], SEED)
            for i in some:
                name, edges = list(EDGES.items())[i]
                target = spectrum(wanted[:, i], edges, weight)
                values = [delta(spectrum(truth[:, i], edges, w), target) for w in result.weights.T]
                ratios = [value / allowed[i] for value in values]
                records += numbered(f"{case}/{name}", method, "delta", values, n)
                records += numbered(f"{case}/{name}", method, "delta_over_limit", ratios, n)
            place = f"{case}/{list(EDGES)[some[0]]}" if alone else case
            sums = (result.weights.sum(axis=0) / weight.sum()).tolist()
            records += numbered(place, method, "normalisation", sums, n)
            records += times(place, method, [result], n)
    return records


def response(simulation: Events, nature: Events, perfect: Floats) -> list[Record]:
    """What no weights of truth repair: reconstructed spectra, where those of truth agree."""
    weight = np.full(len(simulation.weight), len(nature.weight) / len(simulation.weight))
    weight[simulation.has_truth] = perfect
    (mine, w), (theirs, _) = simulation.weighted(weight).seen, nature.seen
    records = []
    for i, (name, edges) in enumerate(EDGES.items()):
        found = delta(spectrum(mine[:, i], edges, w), spectrum(theirs[:, i], edges))
        allowed = limit((mine[:, i], w), np.ones(len(theirs)), edges, SEED)
        for metric, value in (("response_floor", found), ("response_floor_limit", allowed)):
            case = f"zjet/{name}"
            records.append(Record(case, "perfect weights", metric, value, 0.0, len(theirs), SEED))
    return records


def on_zjet(chosen: Sequence[str], given: argparse.Namespace) -> list[Record]:
    """The cases with Z+jet events."""
    share, records = (10 if given.quick else 1), []
    simulation, nature = samples.zjet("sim", share), samples.zjet("nature", share)
    perfect = perfect_weights(simulation, nature)
    if "zjet" in given.cases:
        records += response(simulation, nature, perfect)
        records += judged("zjet", chosen, simulation, nature, perfect, given)
    ours = [m for m in chosen if m == "omnifold"]
    if "unseen-m" in given.cases:
        pair = [replace(e, unseen=("m",)) for e in (simulation, nature)]
        records += judged("unseen-m", ours, *pair, perfect, given)
    for case in ("same-response", "twin"):
        if case not in given.cases:
            continue
        weight = np.ones(len(simulation.weight))
        if case == "same-response":
            weight[simulation.has_truth] = perfect * len(perfect) / perfect.sum()
        mine, other = samples.split(simulation.weighted(weight), SEED)
        flat = mine.weighted(np.ones(len(mine.weight)))
        records += judged(case, ours, flat, other, mine.true[1], given)
    return records


def main() -> None:
    """Runs the cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a tenth of the events, two seeds")
    parser.add_argument("--json", type=Path, help="write the records there")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("--methods", nargs="+", choices=methods.OURS, default=methods.OURS)
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=20, help="samples of the Gaussian")
    parser.add_argument(
        "--ensemble", type=int, metavar="N", help="networks of omnifold in every case"
    )
    parser.add_argument("--omnifold-python", type=Path, metavar="PYTHON")
    parser.add_argument("--package-iterations", type=int, default=HEADLINE, metavar="N")
    given = parser.parse_args()
    if given.seeds < 2:
        parser.error(f"--seeds {given.seeds}: an error of a median takes two at least")
    about = machine(("torch", "numpy", "crosshook"))
    print(in_words(about))
    if given.quick:
        given.seeds = 2
    chosen = [*given.methods, *([methods.PACKAGE] if given.omnifold_python else [])]
    records: list[Record] = []
    if "gaussian" in given.cases:
        many = argparse.Namespace(**{**vars(given), "ensemble": given.ensemble or NETWORKS})
        records += gaussian("gaussian", chosen, many)
    if "gaussian-default" in given.cases:
        ours = [m for m in chosen if m == "omnifold"]
        records += gaussian("gaussian-default", ours, given)
    if set(given.cases) - {"gaussian", "gaussian-default"}:
        records += on_zjet(chosen, given)
    for record in records:
        error = f" ± {record.error:.2g}" if record.error else ""
        print(f"{record.case:20} {record.method:16} {record.metric:24} {record.value:9.4g}{error}")
    if given.json:
        write(given.json, about, records)


if __name__ == "__main__":
    main()
