"""Integrand evaluations per second of the whole chain, against vegas driving the same integrand.

    python benchmarks/throughput.py [--quick] [--json FILE]

Per process (shipped densities, 13 TeV): `crosshook` with the process's own channels, `crosshook, one
channel` and `vegas` on the very same function of the unit cube, namely one channel of the process
alone; then the parts of the chain. All on one thread, in CPU time; medians of several repeats.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
import vegas  # type: ignore[import-untyped]
from records import Record, in_words, machine, write

from crosshook.core.config import resolve
from crosshook.core.context import BuildContext
from crosshook.core.execute import one_thread
from crosshook.core.integrate import block_sums
from crosshook.core.interfaces.integrand import Evaluation
from crosshook.core.interfaces.training import Budget
from crosshook.core.registry import default_registry
from crosshook.core.sampling.build import build_process
from crosshook.core.sampling.sampler import Sampler
from crosshook.core.sampling.source import SamplerSource
from crosshook.core.sampling.sums import add_in_order
from crosshook.core.statistics import efficiency
from crosshook.plugins.vegas.mapping import VegasMapping

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.config import RunConfig
    from crosshook.core.interfaces.channel_weights import ChannelWeights
    from crosshook.core.process.scattering import ScatteringProcess

SEED = 20261122
BLOCK = 16384
CHANNEL = {"pp-ttbar": 0, "drell-yan": 1}
"""The channel of the single-channel comparison: `flat` and `z`."""

VEGAS_BATCHES = (16384, 100_000)
"""vegas' smallest batch: our block, and its own default."""


class Timed:
    """An integrand that counts its own time; one channel of a process, or all of them."""

    def __init__(self, process: ScatteringProcess, only: int | None) -> None:
        self._process, self._only = process, only
        self.n_dim = process.n_dim
        self.channels = process.channels if only is None else (process.channels[only],)
        self.seconds = 0.0

    def evaluate(self, u: Tensor, channel: Tensor) -> Evaluation:
        """See `Integrand.evaluate`."""
        start = time.process_time()
        if self._only is None:
            found = self._process.evaluate(u, channel)
        else:
            whole = self._process.evaluate(u, torch.full_like(channel, self._only))
            found = Evaluation(whole.value, u.new_zeros((u.shape[0], 1)), None, whole.parts)
        self.seconds += time.process_time() - start
        return found


def median(values: list[float]) -> tuple[float, float]:
    """Median and half the range."""
    return statistics.median(values), (max(values) - min(values)) / 2


def configuration(name: str, evaluations: int) -> RunConfig:
    """The run file of a case, as the examples have it."""
    document = {
        "process": name,
        "sampling": {
            "channel_mapping": {"use": "vegas", "options": {"bins": 128}},
            "evaluations": evaluations,
        },
        "seed": SEED,
    }
    return resolve(document, "throughput", default_registry())


@dataclass(frozen=True)
class Contender:
    """One way to drive an integrand.

    Attributes:
        method: its name.
        integrand: what it drives.
        run: evaluates once more and says how many points it took.
        quality: figures of the weights of its last run.
    """

    method: str
    integrand: Timed
    run: Callable[[], int]
    quality: Callable[[], list[Record]]


def race(case: str, contenders: list[Contender], repeats: int) -> list[Record]:
    """Evaluations per second and the share of time outside the integrand, taken in turns."""
    speed: dict[str, list[float]] = {c.method: [] for c in contenders}
    outside: dict[str, list[float]] = {c.method: [] for c in contenders}
    points: dict[str, int] = {}
    for _ in range(repeats):
        for each in contenders:
            each.integrand.seconds = 0.0
            start = time.process_time()
            points[each.method] = each.run()
            total = time.process_time() - start
            speed[each.method].append(points[each.method] / total)
            outside[each.method].append(1 - each.integrand.seconds / total)
    found = []
    for each in contenders:
        name, n = each.method, points[each.method]
        found += [
            Record(case, name, "evaluations/s", *median(speed[name]), n, SEED),
            Record(
                case, name, "share of time outside the integrand", *median(outside[name]), n, SEED
            ),
            *each.quality(),
        ]
    return found


def ours(case: str, method: str, config: RunConfig, integrand: Timed, points: int) -> Contender:
    """Trains VEGAS grids; a run draws, weighs and sums blocks."""
    registry = default_registry()
    k = len(integrand.channels)
    context = BuildContext(dimensions=integrand.n_dim, channels=k)
    mapping = registry.build("channel_mapping", config.channel_mapping, context)
    weights = registry.build("channel_weights", config.channel_weights, context)
    assert isinstance(mapping, VegasMapping)
    sampler = Sampler(
        integrand, mapping, cast("ChannelWeights", weights), torch.device(config.device)
    )
    source = SamplerSource(sampler, SEED)
    with torch.no_grad():
        mapping.fit(source, Budget(config.train_evaluations), context)
    shares = source.shares
    blocks = -(-points // BLOCK)
    drawn: list[tuple[np.ndarray, np.ndarray]] = []

    def run() -> int:
        drawn.clear()
        sums = []
        with torch.no_grad():
            for block in range(blocks):
                sample = sampler.draw(SEED, "throughput", block, BLOCK, shares)
                sums.append(block_sums(sample, k))
                drawn.append((sample.channel.numpy(), sample.weight.numpy()))
        add_in_order(sums).estimate()
        return blocks * BLOCK

    def measured() -> list[Record]:
        channel = np.concatenate([c for c, _ in drawn])
        weight = np.concatenate([w for _, w in drawn])
        own = [weight[channel == c] for c in range(k)]
        mean = sum(float(w.mean()) for w in own)
        parts = list(zip(own, shares.tolist(), strict=True))
        second = sum(float(np.mean(w**2)) / p for w, p in parts) / mean**2
        variance = sum(float(w.var()) / p for w, p in parts) / mean**2
        return quality(case, method, own, second - 1, variance)

    return Contender(method, integrand, run, measured)


def quality(
    case: str, method: str, weights: list[np.ndarray], spread: float, variance: float
) -> list[Record]:
    """rsd of the weights, ε(0.1 %), and the error of the integral per root of a point."""
    n = sum(w.size for w in weights)
    rule = efficiency(weights, rng=np.random.default_rng(SEED))
    return [
        Record(case, method, "rsd of the weights", spread**0.5, 0.0, n, SEED),
        Record(case, method, "ε(0.1 %)", rule.value, rule.error, n, SEED),
        Record(case, method, "relative error · √n", variance**0.5, 0.0, n, SEED),
    ]


def theirs(case: str, integrand: Timed, training: int, points: int, size: int) -> Contender:
    """vegas: ten adaptations, then a frozen map with its adaptive stratification."""

    def batch(x: np.ndarray) -> np.ndarray:
        u = torch.from_numpy(np.ascontiguousarray(x))
        with torch.no_grad():
            value = integrand.evaluate(u, torch.zeros(u.shape[0], dtype=torch.int64)).value
        return value.numpy()

    function = vegas.lbatchintegrand(batch)
    method = f"vegas {metadata.version('vegas')}, batch {size}"
    random = np.random.default_rng(SEED)
    integrator = vegas.Integrator(
        [[0.0, 1.0]] * integrand.n_dim, ran_array_generator=random.random, min_neval_batch=size
    )
    integrator(function, nitn=10, neval=training // 10)
    last: list[Any] = []

    def run() -> int:
        last[:] = [integrator(function, nitn=1, neval=points, adapt=False)]
        return int(last[0].sum_neval)

    def measured() -> list[Record]:
        drawn = [w * batch(x) for x, w in integrator.random_batch()]
        weight = np.concatenate(drawn)
        weight *= weight.size
        variance = float(last[0].sdev / last[0].mean) ** 2 * last[0].sum_neval
        spread = float(weight.var() / weight.mean() ** 2)
        return quality(case, method, [weight], spread, variance)

    return Contender(method, integrand, run, measured)


def parts(case: str, process: ScatteringProcess, repeats: int) -> list[Record]:
    """Points per second of each part of the chain alone, one block of points of all channels."""
    generator = torch.Generator().manual_seed(SEED)
    u = torch.rand((BLOCK, process.n_dim), generator=generator, dtype=torch.float64)
    channel = torch.arange(BLOCK) % len(process.channels)
    space = process.phase_space.forward(u, channel)
    points = process.points(space.momenta, space.x1, space.x2, space.log_jacobian)
    element = process.matrix_element
    distinct = {s.amplitude: i for i, s in reversed(list(enumerate(element.subprocesses)))}

    def amplitudes() -> None:
        for subprocess in distinct.values():
            element.squared(points.momenta, subprocess, points.alpha_s)

    steps: dict[str, Callable[[], object]] = {
        "phase-space map": lambda: process.phase_space.forward(u, channel),
        "parton densities": lambda: process.luminosity(points.x1, points.x2, points.mu_f),
        "α_s": lambda: process.strong_coupling(points.mu_r),
        "amplitudes": amplitudes,
        "integrand": lambda: process.evaluate(u, channel),
    }
    found = []
    with torch.no_grad():
        for name, step in steps.items():
            step()
            speed = []
            for _ in range(4 * repeats):
                start = time.process_time()
                step()
                speed.append(BLOCK / (time.process_time() - start))
            found.append(Record(case, name, "points/s", *median(speed), BLOCK, SEED))
    return found


def measure(quick: bool) -> list[Record]:
    """Every figure."""
    training, points, repeats = (50_000, 65_536, 3) if quick else (200_000, 262_144, 7)
    found = []
    for case, only in CHANNEL.items():
        config = configuration(case, training)
        process = build_process(config, default_registry())
        every, single = Timed(process, None), Timed(process, only)
        contenders = [
            ours(case, "crosshook", config, every, points),
            ours(case, "crosshook, one channel", config, single, points),
            *(theirs(case, single, training, points, size) for size in VEGAS_BATCHES),
        ]
        found += race(case, contenders, repeats)
        found += parts(case, process, repeats)
    return found


def main() -> None:
    """Prints the table and writes the records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="fewer points and repeats")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records")
    options = parser.parse_args()
    about = machine(("torch", "numpy", "vegas", "crosshook"))
    with one_thread():
        records = measure(options.quick)
    print(in_words(about))
    for r in records:
        print(
            f"{r.case:10} {r.method:26} {r.metric:36} {r.value:12.5g} ± {r.error:<9.2g} n = {r.n}"
        )
    if options.json:
        write(options.json, about, records)


if __name__ == "__main__":
    main()
