"""Errors of cross sections after a selection or a reweighting: pulls of many samples of known σ.

Weights, trials, processes, signs and what passes are drawn from laws whose integrals are known in closed
form; the given σ fluctuates by its given error. Unit pulls of 400 samples have a mean within 5/√400 of 0
and a width within 5/√800 of 1.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.core import nominal_weight
from crosshook.core.cross_section import WeightSums, cross_section
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.layout import PARTICLE_COLUMNS
from crosshook.core.events.run_info import ProcessInfo, RunInfo
from crosshook.core.fiducial import fiducial, normalise
from crosshook.core.selection import Selection
from crosshook.core.survey import Survey

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

SEED = 20261122
SAMPLES, N = 400, 500


def events(info: RunInfo, weight: Array, process: Array | float = 1.0) -> EventBatch:
    """Events without particles."""
    n = len(weight)
    ones = np.ones(n)
    event = {"weight": weight, "process_id": process * ones}
    event |= dict.fromkeys(("scale", "alpha_qed", "alpha_qcd"), ones)
    particles = {name: np.zeros(0) for name in PARTICLE_COLUMNS}
    return EventBatch.from_columns(info, np.zeros(n, np.int64), event, particles)


def summed(batch: EventBatch) -> WeightSums:
    found = WeightSums()
    found.add(batch)
    return found


def surveyed(batch: EventBatch, passing: NDArray[np.bool_]) -> Survey:
    every, kept = summed(batch), summed(batch[passing])
    sigma = cross_section(batch.info, every)
    return Survey(Path("x"), batch.info, every, sigma, every, kept, ())


def unit_weights(rng: Generator) -> tuple[EventBatch, NDArray[np.bool_], float]:
    """Of two processes 30 and 70 % pass: 6 · 0.3 + 3 · 0.7."""
    process = np.where(rng.random(N) < 2 / 3, 1, 2)
    info = RunInfo(weighting=3, processes=measured(rng, (6.0, 0.1), (3.0, 0.06)))
    passing = rng.random(N) < np.where(process == 1, 0.3, 0.7)
    return events(info, np.ones(N), process), passing, 6 * 0.3 + 3 * 0.7


def signs(rng: Generator) -> tuple[EventBatch, NDArray[np.bool_], float]:
    """The same with 10 % of those that pass, and 20 % of the others, negative."""
    batch, passing, sigma = unit_weights(rng)
    weight = np.where(rng.random(N) < np.where(passing, 0.1, 0.2), -1.0, 1.0)
    info = RunInfo(weighting=-3, processes=batch.info.processes)
    return events(info, weight, np.asarray(batch.event["process_id"])), passing, 0.8 * sigma


def any_unit(rng: Generator) -> tuple[EventBatch, NDArray[np.bool_], float]:
    """Exponential weights, of which exp(-w) pass, or 1 - exp(-w): 1/4 and 3/4 of Σw."""
    batch, _, _ = unit_weights(rng)
    process, weight = np.asarray(batch.event["process_id"]), rng.exponential(1.0, N)
    light = np.exp(-weight)
    passing = rng.random(N) < np.where(process == 1, light, 1 - light)
    info = RunInfo(weighting=2, processes=batch.info.processes)
    return events(info, weight, process), passing, 6 / 4 + 3 * 3 / 4


def by_sum(rng: Generator) -> tuple[EventBatch, NDArray[np.bool_], float]:
    """Equal weights whose sum is σ: their spread is 0, the error of σ is that given."""
    (process,) = measured(rng, (3.0, 0.1))
    info = RunInfo(weighting=-4, processes=(process,))
    weight = np.full(N, process.cross_section / N)
    return events(info, weight), rng.random(N) < 0.4, 3 * 0.4


def measured(rng: Generator, *given: tuple[float, float]) -> tuple[ProcessInfo, ...]:
    return tuple(
        ProcessInfo(i + 1, float(rng.normal(sigma, error)), error, 1.0)
        for i, (sigma, error) in enumerate(given)
    )


def check(pulls: list[float]) -> None:
    assert abs(np.mean(pulls)) < 5 / math.sqrt(SAMPLES)
    assert abs(np.std(pulls) - 1) < 5 / math.sqrt(2 * SAMPLES)


@pytest.mark.parametrize("sample", [unit_weights, signs, any_unit, by_sum])
def test_selected(
    sample: Callable[[Generator], tuple[EventBatch, NDArray[np.bool_], float]],
) -> None:
    """σ and its error as the written file tells them."""
    rng = np.random.default_rng(SEED)
    pulls = []
    for _ in range(SAMPLES):
        batch, passing, truth = sample(rng)
        found = surveyed(batch, passing)
        change = normalise(found, Selection("any"))
        written = events(
            change.info,
            np.asarray(batch.event["weight"])[passing] * change.scale,
            np.asarray(batch.event["process_id"])[passing],
        )
        result = cross_section(change.info, summed(written))
        assert result.value is not None
        assert result.error
        pulls.append((result.value - truth) / result.error)
    check(pulls)


@pytest.mark.parametrize("sample", [unit_weights, signs, any_unit, by_sum])
def test_all_selected(
    sample: Callable[[Generator], tuple[EventBatch, NDArray[np.bool_], float]],
) -> None:
    """What leaves no event out leaves the error as it was."""
    batch, passing, _ = sample(np.random.default_rng(SEED))
    found = surveyed(batch, np.ones_like(passing))
    result = fiducial(found)
    assert result.value == pytest.approx(found.sigma.value, rel=1e-12)
    assert result.error == pytest.approx(found.sigma.error, rel=1e-9)


@pytest.mark.parametrize("rule", ["measured by the file", "known", "known, equal weights by sum"])
def test_reweighted(rule: str) -> None:
    """w' = w exp(-x/3) with x exponential of mean 3 and w = x, or w = 1: 3/4 and 3/2 of 3."""
    rng = np.random.default_rng(SEED)
    pulls = []
    for _ in range(SAMPLES):
        x = rng.exponential(3.0, N)
        weight = x if "equal" not in rule else np.ones(N)
        processes: tuple[ProcessInfo, ...] = ()
        if rule.startswith("known"):
            processes = measured(rng, (3.0, 0.05))
            weight = weight * processes[0].cross_section / weight.mean()
            weight /= N if "sum" in rule else 1
        info = RunInfo(weighting=-4, processes=processes)
        other = weight * np.exp(-x / 3)
        found = surveyed(events(info, weight), np.ones(N, np.bool_))
        new, cross = summed(events(info, other)), float(np.dot(weight, other))
        made = nominal_weight._exchange(found, info, new, cross, "new", "old").info.processes
        value = sum(p.cross_section for p in made)
        error = math.hypot(*(p.error for p in made))
        pulls.append((value - (1.5 if "equal" in rule else 0.75)) / error)
    check(pulls)
