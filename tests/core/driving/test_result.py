"""Figures of a program's events: those of all its points, the ones without an event written out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.core.config import HistogramSpec
from crosshook.core.cross_section import cross_section
from crosshook.core.driving.result import integration_of, run_cross_section, shares
from crosshook.core.driving.tally import Tally
from crosshook.core.events.run_info import RunInfo
from crosshook.core.generation_result import ProgramBatch
from crosshook.core.statistics import efficiency, kish

if TYPE_CHECKING:
    from crosshook.core.results import IntegrationResult

AXIS = HistogramSpec("x", "m", 4, 0.0, 4.0)


def points(number: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights of n points, about a fifth of them events, and where they lie on the axis."""
    rng = np.random.default_rng(number)
    event = rng.random(n) < 0.2
    size = rng.lognormal(0.0, 0.5, n)
    sign = np.where(rng.random(n) < 0.1, -1.0, 1.0)
    return np.where(event, size * sign, 0.0), rng.uniform(-1.0, 5.0, n)


def counted(number: int, weight: np.ndarray, x: np.ndarray) -> tuple[ProgramBatch, Tally]:
    """What is kept of a batch: its events, and how many points they stand for."""
    rows = weight != 0
    own, bins = weight[rows], np.clip(np.floor(x[rows]).astype(int) + 1, 0, 5)
    histogram = np.zeros((2, 2, 6))
    histogram[0] = [np.bincount(bins, own**power, 6) for power in (1, 2)]
    ids = np.arange(len(own)) % 2 + 1
    tally = Tally(own, ids, float(len(weight)), own, [histogram])
    found = cross_section(RunInfo(), tally.sums())
    assert found.value is not None
    assert found.error is not None
    batch = ProgramBatch(
        number, 0, 0, len(own), tally.points, 0, found.value, found.error, found.rule, 0.0
    )
    return batch, tally


def integrated(given: list[tuple[np.ndarray, np.ndarray]]) -> IntegrationResult:
    batches, tallies = zip(*(counted(i, *each) for i, each in enumerate(given)), strict=True)
    return integration_of(batches, tallies, (AXIS,), "program", 5, 0.0)


def test_figures_are_those_of_all_points() -> None:
    """σ, ε by every rule, Kish's fraction, relative deviation and histograms of two batches with
    their zeros; the batches' errors leave out the difference of their means, below (5σ)²/(2n).
    """
    given = [points(1, 6000), points(2, 3000)]
    found = integrated(given)
    weight, x = (np.concatenate(column) for column in zip(*given, strict=True))
    n = len(weight)
    assert found.evaluations == n
    assert found.cross_section == pytest.approx(weight.mean(), rel=1e-12)
    assert found.error == pytest.approx(weight.std(ddof=1) / math.sqrt(n), rel=25 / (2 * n))
    assert found.cut_efficiency == np.count_nonzero(weight) / n
    assert found.kish == pytest.approx(kish(weight), rel=1e-12)
    assert found.relative_deviation == pytest.approx(weight.std() / weight.mean(), rel=1e-9)
    assert found.mean_over_max == pytest.approx(np.abs(weight).mean() / np.abs(weight).max())
    assert found.negative_share == pytest.approx(-weight[weight < 0].sum() / np.abs(weight).sum())
    for each in found.efficiencies:
        whole = efficiency([weight], each.rule, each.share)  # type: ignore[arg-type]
        assert each.value == pytest.approx(whole.value, rel=1e-12)
        assert each.after_cuts == pytest.approx(whole.after_cuts, rel=1e-12)
        assert each.points == n
    (histogram,) = found.histograms
    for i in range(4):
        own = np.where((x >= i) & (x < i + 1), weight, 0.0)
        assert histogram.values[i] == pytest.approx(own.mean(), rel=1e-12)
        assert histogram.errors[i] == pytest.approx(own.std(ddof=1) / math.sqrt(n), rel=1e-9)
    assert histogram.underflow == pytest.approx(np.where(x < 0, weight, 0.0).mean(), rel=1e-12)


def test_efficiency_of_equal_weights_is_a_binomial_number() -> None:
    """It is the share of the points that are events, and has its error."""
    weight, x = points(4, 2000)
    weight = np.sign(weight)
    found = integrated([(weight, x)])
    share = np.count_nonzero(weight) / len(weight)
    assert 0.15 < share < 0.25
    for each in found.efficiencies:
        assert each.value == pytest.approx(share, rel=1e-12)
        assert each.error == pytest.approx(math.sqrt(share * (1 - share) / 2000), rel=1e-9)
        assert each.after_cuts == pytest.approx(1.0, rel=1e-12)


def test_processes_have_their_parts_in_the_sum_of_weights() -> None:
    _, tally = counted(0, *points(3, 1000))
    parts = shares([tally, tally])
    assert sum(parts.values()) == pytest.approx(1.0, rel=1e-12)
    assert parts[1] == pytest.approx(tally.weight[::2].sum() / tally.weight.sum(), rel=1e-12)


def test_batches_count_by_their_points_not_their_events() -> None:
    batches = [counted(i, *points(i, n))[0] for i, n in enumerate((500, 1500))]
    sigma = (500 * batches[0].cross_section + 1500 * batches[1].cross_section) / 2000
    assert run_cross_section(batches)[0] == pytest.approx(sigma, rel=1e-12)
