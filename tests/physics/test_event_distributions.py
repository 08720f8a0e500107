"""Unweighted events against the weighted points of the integration, in ten observables.

The two use independent random streams. Cells are the bins, underflow and overflow; events fall
into them as a multinomial, so that Pearson's χ² has one degree of freedom less than cells.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from crosshook.core.histograms import Histogram
    from tests.physics.conftest import Chance, Finished

pytestmark = pytest.mark.physics

P_VALUE = 1e-5
"""Chance that a right program fails at least once is twenty times this."""

OBSERVABLES = ("y0", "y1", "eta0", "phi0", "y", "dy", "day", "pt", "e0", "m")
EXPECTED_LEAST = 10.0
"""Events a cell must expect for χ² to follow its distribution; smaller cells are joined."""


def cells(histogram: Histogram) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cross sections and errors of all cells in pb; a tail's error follows its neighbours'."""
    values = np.array([histogram.underflow, *histogram.values, histogram.overflow])
    # Interpolated densities dip below zero near x = 1, and so do the emptiest bins.
    root, errors = np.sqrt(np.maximum(values, 0.0)), np.array(histogram.errors)
    tails = np.sum(errors) / np.sum(root[1:-1]) * root[[0, -1]]
    return values, np.array([tails[0], *errors, tails[1]])


def groups(events: NDArray[np.float64]) -> NDArray[np.int64]:
    """Numbers neighbouring cells so that each number expects enough events."""
    rows = np.zeros(events.size, dtype=np.int64)
    filled = 0.0
    for i in range(1, events.size):
        filled += events[i - 1]
        enough = filled >= EXPECTED_LEAST and events[i:].sum() >= EXPECTED_LEAST
        rows[i] = rows[i - 1] + enough
        filled = 0.0 if enough else filled
    return rows


@pytest.mark.parametrize("name", OBSERVABLES)
def test_events_follow_the_weighted_points(hadronic: Finished, chance: Chance, name: str) -> None:
    """χ² of the shapes."""
    (weighted,) = (h for h in hadronic.result.integration.histograms if h.name == name)
    (unweighted,) = (h for h in hadronic.generation.histograms if h.name == name)
    assert weighted.edges == unweighted.edges
    n = hadronic.generation.events
    expected, errors = cells(weighted)
    found, _ = cells(unweighted)
    events = n * expected / expected.sum()
    rows = groups(events)
    share, observed = np.bincount(rows, events / n), np.bincount(rows, found / found.sum())
    spread = np.bincount(rows, (errors / expected.sum()) ** 2)
    kish = n * hadronic.generation.kish
    variance = share / kish + spread
    assert rows.max() >= 15
    chi_squared = float(np.sum((observed - share) ** 2 / variance))
    assert chance(chi_squared, int(rows.max())) > P_VALUE


@pytest.mark.parametrize("name", OBSERVABLES)
def test_histograms_of_the_report_are_those_of_the_file(hadronic: Finished, name: str) -> None:
    """The report's y, m and p_T bins recounted from the events' momenta."""
    (histogram,) = (h for h in hadronic.generation.histograms if h.name == name)
    events = hadronic.events()
    (group,) = events.to_torch()
    p = group.momenta.numpy()[:, -2:]
    total = p.sum(axis=1)
    y = np.arctanh(p[..., 3] / p[..., 0])
    size = np.sqrt(np.sum(p[..., 1:] ** 2, axis=-1))
    value = {
        "y0": y[:, 0],
        "y1": y[:, 1],
        "eta0": np.arctanh(p[:, 0, 3] / size[:, 0]),
        "phi0": np.arctan2(p[:, 0, 2], p[:, 0, 1]),
        "y": np.arctanh(total[:, 3] / total[:, 0]),
        "dy": y[:, 0] - y[:, 1],
        "day": np.abs(y[:, 0]) - np.abs(y[:, 1]),
        "pt": np.hypot(p[:, 0, 1], p[:, 0, 2]),
        "e0": p[:, 0, 0],
        "m": np.sqrt(total[:, 0] ** 2 - np.sum(total[:, 1:] ** 2, axis=1)),
    }[name]
    weight = np.asarray(events.event["weight"], np.float64)
    recounted, _ = np.histogram(value, histogram.edges, weights=weight / weight.size)
    # A value within rounding of an edge may fall to either side: one event at most.
    assert np.abs(recounted - np.array(histogram.values)).max() <= 1.5 * weight.max() / weight.size
    assert recounted.sum() == pytest.approx(sum(histogram.values), rel=1e-3)


def test_azimuth_is_flat(hadronic: Finished, chance: Chance) -> None:
    """Nothing singles out a direction across the beams."""
    (histogram,) = (h for h in hadronic.result.integration.histograms if h.name == "phi0")
    values, errors = np.array(histogram.values), np.array(histogram.errors)
    flat = hadronic.result.integration.cross_section / values.size
    # Fixing the sum takes one degree of freedom; its own error is far smaller than a bin's.
    assert chance(float(np.sum(((values - flat) / errors) ** 2)), values.size - 1) > P_VALUE


def test_beams_are_alike(hadronic: Finished, chance: Chance) -> None:
    """pp: the rapidity of the pair is symmetric."""
    (histogram,) = (h for h in hadronic.result.integration.histograms if h.name == "y")
    values, errors = np.array(histogram.values), np.array(histogram.errors)
    half = values.size // 2
    difference = (values - values[::-1])[:half]
    spread = np.hypot(errors, errors[::-1])[:half]
    # Bins with few points have errors that are no errors yet.
    full = (values + values[::-1])[:half] > 1e-3 * values.sum()
    assert full.sum() >= 10
    pulls = difference[full] / spread[full]
    assert chance(float(np.sum(pulls**2)), pulls.size) > P_VALUE


@pytest.mark.parametrize(
    ("settings", "overweight"),
    [
        # A fraction of one block: what is cut from its end must be like what is kept.
        (("block_size=65536", "generate.events=8000"), 0.0),
        # A low maximum: a fifth of σ is carried by weights above the common one.
        (("generate.unweighter.options={rule: excess-share, share: 0.2}",), 0.15),
        (("generate.unweighter.options={rule: maximum}",), 0.0),
    ],
    ids=["part of a block", "many overweights", "true maximum"],
)
def test_mass_however_events_were_made(
    drell_yan: Finished,
    runner: Callable[..., Finished],
    chance: Chance,
    settings: tuple[str, ...],
    overweight: float,
) -> None:
    """χ² of dσ/dm, where the two channels differ most; errors from Σw², no tails outside."""
    (weighted,) = (h for h in drell_yan.result.integration.histograms if h.name == "m")
    axis = {"observable": "m", "bins": len(weighted.values), "range": [66.0, 116.0]}
    run = runner(
        "drell-yan",
        "run",
        "integrate.evaluations=20000",
        f"integrate.histograms={json.dumps({'m': axis})}",
        *settings,
    ).generation
    (events,) = run.histograms
    expected = np.array(weighted.values) / sum(weighted.values)
    found = np.array(events.values) / run.cross_section
    assert found.sum() == pytest.approx(1.0, rel=1e-12)
    # Stated: Σ w² (1_bin - p)²; wanted: Σ w² 1_bin, as the bins' sum takes one degree of freedom.
    stated = np.array(events.errors) ** 2 / run.cross_section**2
    mean_square = (stated - found**2 / (run.events * run.kish)) / (1 - 2 * found)
    spread = np.array(weighted.errors) / sum(weighted.values)
    chi_squared = float(np.sum((found - expected) ** 2 / (mean_square + spread**2)))
    assert run.overweight_share >= overweight
    assert chance(chi_squared, found.size - 1) > P_VALUE
