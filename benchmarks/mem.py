"""The matrix-element method on the exactly solvable toy, with learned transfer function and proposal.

    python benchmarks/mem.py [--quick] [--json FILE] [--pool N] [--points N] [--model DIR]

The toy is examples/mem_toy.py: a CP angle α, resolution that depends on truth, tails, swaps, acceptance.
Pseudo-experiments of 100 and 400 events at five α are drawn from pools whose ln p is computed once, by the
exact likelihood and by the method: both are fitted to the same data sets on the same grid. The method's
bias is the exact likelihood's, on data sets that share no events, and what they differ by on the same ones.
One thread, processor time.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from records import Record, in_words, machine, write

from crosshook.core import random
from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.execute import one_thread
from crosshook.core.inference.conditions import Conditions
from crosshook.core.inference.cube_model import CubeModel
from crosshook.core.inference.detector import paired_events
from crosshook.core.inference.fiducial import fiducial_cross_section
from crosshook.core.inference.grid import ParameterGrid, make_axis
from crosshook.core.inference.integrals import IntegralSettings, integrate_events
from crosshook.core.inference.likelihood import EventLikelihoods, ProcessShare, combined, estimated
from crosshook.core.inference.model import Parameter
from crosshook.core.inference.pairs import resampled_pairs
from crosshook.core.inference.proposal import EventProposal
from crosshook.core.inference.proposal_training import (
    ProposalSettings,
    build_mapping,
    train_proposal,
)
from crosshook.core.inference.pseudo_experiments import drawn_rows, pseudo_experiments
from crosshook.core.inference.simulated import simulate_events
from crosshook.core.interfaces.matrix_element import Subprocess
from crosshook.core.interfaces.training import Budget
from crosshook.core.process.cube import CubeFunction, CubeTruth
from crosshook.core.progress import Silent
from crosshook.core.registry import default_registry
from crosshook.core.transfer.models import load_transfer
from crosshook.core.transfer.paired import PairedTable, TrainableTransfer

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
import mem_toy

SEED = 20261122
GRID = 60
PLACES = (0, 7, 20, 33, 46)
"""True values of α, as places on the grid."""
EVENTS = (100, 400)
LEVELS = {"68": 0.6827, "95": 0.9545}
TIMED = 500


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    training: int
    proposal: int
    pool: int
    experiments: int
    points: int
    epochs: float
    networks: int = 1
    repeats: int = 20


def toy() -> CubeModel:
    """The model of the toy."""
    alpha = Parameter("alpha", 0.0, 0.0, math.pi, math.pi)
    subprocess = Subprocess((0, 0), 0, 1, "toy", ())
    truth = CubeTruth(mem_toy.truth, ("cos_theta", "phi"), ("", "rad"))
    return CubeModel(
        CubeFunction(
            mem_toy.density, 2, subprocess, (0.0, 0.0), "toy", parameters=(alpha,), truth=truth
        ),
        SEED,
    )


class Toy:
    """The toy with everything learned."""

    def __init__(self, sizes: Sizes, transfer: str, model: Path | None) -> None:
        """Trains the transfer function, unless there is a model of one, and the proposal."""
        self.sizes, self.model, self.detector = sizes, toy(), mem_toy.Detector()
        axis = make_axis(
            "alpha", 0.0, math.pi, GRID, math.pi, nuisance=False, constraint=None, where="alpha"
        )
        self.grid = ParameterGrid((axis,))
        self.theta = self.grid.points
        registry = default_registry()
        rng = random.torch_generator(SEED, "mem")
        context = BuildContext(rng=rng, registry=registry)
        self.transfer_seconds: float | None = None
        if model is not None:
            self.transfers = [load_transfer(model, registry=registry)]
        else:
            start = time.process_time()
            self.transfers = [self._learned(transfer, context) for _ in range(sizes.networks)]
            self.transfer_seconds = time.process_time() - start
        start = time.process_time()
        first, n = self.transfers[0], sizes.proposal
        pairs = resampled_pairs(self.model, first, self.theta, n, rng, Silent())
        conditions = Conditions.of(pairs.reco, self.model.parameters, None)
        slot = Slot("flow", registry.options("channel_mapping", Slot("flow")))
        mapping = build_mapping(slot, conditions.size, self.model, context, registry)
        settings = ProposalSettings(sizes.proposal, 10, 1024, 3e-3, 0)
        train_proposal(mapping, conditions, pairs, settings, rng, Silent())
        self.proposal, self.proposal_seconds = (
            EventProposal(mapping, conditions),
            time.process_time() - start,
        )
        self.fiducial = fiducial_cross_section(self.model, self.transfers, self.theta, rng)

    def _learned(self, name: str, context: BuildContext):
        slot = Slot(name, {"epochs": self.sizes.epochs})
        learned = context.build("transfer_function", slot)
        assert isinstance(learned, TrainableTransfer)
        n, rng = self.sizes.training, context.rng
        events = paired_events(self.model, self.detector, self.theta, n, rng)
        learned.fit(PairedTable(events), Budget(len(events)), context)
        return learned

    def likelihoods(self, reco, points: int, sequence: str, proposal=None) -> EventLikelihoods:
        """ln p of events by the method."""
        found = integrate_events(
            self.model,
            self.transfers,
            proposal or self.proposal,
            reco,
            self.theta,
            IntegralSettings(points, 8, sequence, SEED),
            Silent(),
            keep=False,
        )
        index = torch.arange(len(self.theta))
        share = ProcessShare("toy", found, self.fiducial, index, torch.zeros(len(self.theta)))
        return combined(self.grid, [share])

    def exact(self, reco) -> EventLikelihoods:
        """ln p of events by quadrature."""
        y, q = reco.dense.T.numpy()
        found = torch.from_numpy(mem_toy.exact_log_likelihood(y, q, self.theta[:, 0].numpy()))
        return estimated(self.grid, found[None])


def one_alpha(made: Toy, place: int) -> tuple[list[Record], torch.Tensor, torch.Tensor]:
    """Pseudo-experiments at one α; also ln p of the pool by both, less its mean over α."""
    sizes = made.sizes
    rng = random.torch_generator(SEED, f"pool/{place}")
    reco = simulate_events(made.model, made.detector, made.theta[place], sizes.pool, rng).reco
    exact, learned = made.exact(reco), made.likelihoods(reco, sizes.points, "sobol")
    records = []
    alpha = float(made.theta[place, 0])
    for n in EVENTS:
        rows = drawn_rows(sizes.pool, n, sizes.experiments, rng)
        fits = {
            name: pseudo_experiments(pool, "alpha", place, rows, rng)
            for name, pool in (("exact", exact), ("learned", learned))
        }
        case = f"toy, α = {alpha:.3f}, {n} events"

        def note(method: str, metric: str, value: float, error: float, case: str = case) -> None:
            records.append(Record(case, method, metric, value, error, sizes.experiments, SEED))

        for method, fit in fits.items():
            for name, level in LEVELS.items():
                note(method, f"coverage{name}", *fit.coverage(level))
            note(method, "bias", *fit.bias)
            pulls = fit.pulls[torch.isfinite(fit.pulls)]
            note(method, "pull_mean", float(pulls.mean()), float(pulls.std()) / len(pulls) ** 0.5)
            note(method, "pull_deviation", float(pulls.std()), 0.0)
        for name, level in LEVELS.items():
            inside = [fit.statistic <= threshold_of(level) for fit in fits.values()]
            difference = inside[1].double() - inside[0].double()
            error = float(difference.std()) / len(difference) ** 0.5
            note("learned", f"coverage{name}_minus_exact", float(difference.mean()), error)
        shift = around(fits["learned"].best - fits["exact"].best) / fits["exact"].width.mean()
        # each data set has its own part of the pool, again and again if the pool is too small
        sets = min(sizes.experiments, sizes.pool // n)
        shift_error = float(shift.std()) / sets**0.5
        note("learned", "bias_minus_exact_over_width", float(shift.mean()), shift_error)
        bias, error = exact_bias(made, place, n, rng)
        width = float(fits["exact"].width.mean())
        note("exact", "abs_bias_over_width", abs(bias) / width, error / width)
        bias = bias / width + float(shift.mean())
        note("learned", "abs_bias_over_width", abs(bias), math.hypot(error / width, shift_error))
    return records, centred(exact), centred(learned)


def exact_bias(made: Toy, place: int, n: int, rng: torch.Generator) -> tuple[float, float]:
    """Bias of the exact likelihood with n events, by data sets that share none, and its error."""
    best = []
    for _ in range(made.sizes.repeats):
        events = made.sizes.experiments * n // made.sizes.repeats
        reco = simulate_events(made.model, made.detector, made.theta[place], events, rng).reco
        rows = torch.arange(events).reshape(-1, n)
        best.append(pseudo_experiments(made.exact(reco), "alpha", place, rows, rng).best)
    found = torch.cat(best)
    return float(found.mean()), float(found.std()) / len(found) ** 0.5


def around(difference: torch.Tensor) -> torch.Tensor:
    """Differences of α around its period."""
    return torch.remainder(difference + math.pi / 2, math.pi) - math.pi / 2


def threshold_of(level: float) -> float:
    """Wilks' threshold."""
    return 2 * float(torch.special.erfinv(torch.tensor(level))) ** 2


def centred(events: EventLikelihoods) -> torch.Tensor:
    """ln p less its mean over α, `(n, t)`."""
    return events.nominal - events.nominal.mean(dim=1, keepdim=True)


def error_of_log_p(exact: torch.Tensor, learned: torch.Tensor, case: str) -> list[Record]:
    """How wrong the α-dependence of ln p is, relative to its own size."""
    n = len(exact)
    slope, amplitude = exact.mean(dim=0), float(exact.square().mean().sqrt())
    away = learned - exact
    mean, spread = away.mean(dim=0), away.std(dim=0) / n**0.5
    reach = float(slope.max() - slope.min()) / 2
    worst = int(mean.abs().argmax())
    return [
        Record(
            case,
            "learned",
            "mean_log_p_error_over_amplitude",
            float(mean.abs().max()) / reach,
            float(spread[worst]) / reach,
            n,
            SEED,
        ),
        Record(
            case,
            "learned",
            "event_log_p_error_over_amplitude",
            float(away.square().mean().sqrt()) / amplitude,
            0.0,
            n,
            SEED,
        ),
    ]


def integrals(made: Toy) -> list[Record]:
    """Effective points and time of an event, and σ_fid."""
    rng = random.torch_generator(SEED, "timed")
    reco = simulate_events(made.model, made.detector, made.theta[7], TIMED, rng).reco
    records = []

    def note(method: str, metric: str, value: float, error: float, n: int = TIMED) -> None:
        records.append(Record("toy", method, metric, value, error, n, SEED))

    for points in (256, 1000):
        times = []
        for _ in range(3):
            start = time.process_time()
            found = made.likelihoods(reco, points, "sobol")
            times.append(1e3 * (time.process_time() - start) / TIMED)
        note(f"{points} points", "ms_per_event", sorted(times)[1], (max(times) - min(times)) / 2)
        share = found.effective.mean(dim=1)
        error = float(share.std()) / TIMED**0.5
        note(f"{points} points", "ess_fraction", float(share.mean()), error)
    plain = made.likelihoods(reco, 1000, "random", EventProposal(None, None)).effective.mean(dim=1)
    note("uniform", "ess_fraction", float(plain.mean()), float(plain.std()) / TIMED**0.5)
    exact = torch.from_numpy(mem_toy.exact_fiducial(made.theta[:, 0].numpy()))
    learned = made.fiducial.value.mean(dim=0)

    def modulation(sigma: torch.Tensor) -> float:
        return float((sigma.max() - sigma.min()) / sigma.mean())

    note("learned", "sigma_fid_modulation", modulation(learned) / modulation(exact) - 1, 0.0)
    relative = learned / exact
    change = float((relative / relative.mean() - 1).abs().max())
    note("learned", "sigma_fid_alpha_error", change, 0.0)
    if made.transfer_seconds is not None:
        note("transfer function", "training_seconds", made.transfer_seconds, 0.0)
    note("proposal", "training_seconds", made.proposal_seconds, 0.0)
    return records


def summary(records: list[Record]) -> list[Record]:
    """Means over settings, and the worst setting in its own binomial errors."""
    found = []
    metrics = [f"coverage{name}_minus_exact" for name in LEVELS]
    for metric in (*metrics, "bias_minus_exact_over_width", "abs_bias_over_width"):
        some = [r for r in records if r.metric == metric]
        mean = sum(r.value for r in some) / len(some)
        error = sum(r.error**2 for r in some) ** 0.5 / len(some)
        found.append(Record("toy", "learned", metric, mean, error, some[0].n, SEED))
        largest = max(some, key=lambda r: abs(r.value))
        found.append(
            Record("toy", "learned", f"largest_{metric}", largest.value, largest.error, 1, SEED)
        )
    for name, level in LEVELS.items():
        some = [r for r in records if r.metric == f"coverage{name}_minus_exact"]
        worst = max(abs(r.value) / (level * (1 - level) / r.n) ** 0.5 for r in some)
        found.append(
            Record("toy", "learned", f"worst_coverage{name}_in_binomial_errors", worst, 0, 1, SEED)
        )
    return found


def main() -> None:
    """Runs everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: a check, no figures")
    parser.add_argument("--json", type=Path, help="where records go")
    parser.add_argument("--pool", type=int, default=40_000, help="events of a pool")
    parser.add_argument("--points", type=int, default=256, help="points of an event")
    parser.add_argument("--training", type=int, default=200_000, help="events of the training")
    parser.add_argument("--epochs", type=float, default=30, help="of the transfer function")
    parser.add_argument("--networks", type=int, default=1, help="transfer functions, averaged")
    parser.add_argument("--transfer", default="flow", help="component")
    parser.add_argument("--model", type=Path, help="a trained transfer function of the toy")
    given = parser.parse_args()
    training = given.training, 60_000, given.pool, 1000, given.points, given.epochs
    sizes = Sizes(*training, given.networks)
    if given.quick:
        sizes = Sizes(20_000, 20_000, 4_000, 200, 128, 5)
    about = machine(("torch", "numpy", "crosshook"))
    print(in_words(about))
    with one_thread():
        made = Toy(sizes, given.transfer, given.model)
        records = integrals(made)
        print_records(records)
        pools = []
        for place in PLACES:
            found, exact, learned = one_alpha(made, place)
            records += found
            pools.append((exact, learned))
            print_records([r for r in found if "minus_exact" in r.metric])
        exact, learned = (torch.cat(parts) for parts in zip(*pools, strict=True))
        for place, (one, other) in zip(PLACES, pools, strict=True):
            records += error_of_log_p(one, other, f"toy, α = {float(made.theta[place, 0]):.3f}")
        closing = [*error_of_log_p(exact, learned, "toy"), *summary(records)]
    print_records(closing)
    records += closing
    if given.json:
        write(given.json, about, records)


def print_records(records: list[Record]) -> None:
    """One line a record."""
    for r in records:
        error = f" ± {r.error:.2g}" if r.error else ""
        print(f"{r.case:<34} {r.method:<18} {r.metric:<36} {r.value:.4g}{error}", flush=True)


if __name__ == "__main__":
    main()
