"""When a reader is told not to believe Wilks' intervals, or to look at more true values."""

from __future__ import annotations

import numpy as np

from crosshook.core.inference.interval_notes import interval_notes
from crosshook.core.inference.result import IntervalResult, ParameterResult, ToyResult
from crosshook.core.report.inference import quoted, with_interval

LEVELS = (0.6827, 0.9545)
PLACES = np.linspace(-3.0, 3.0, 201)


def parameter(statistic: np.ndarray, period: float | None = None) -> ParameterResult:
    intervals = (
        IntervalResult(0.6827, "wilks", ((-1.0, 1.0),)),
        IntervalResult(0.9545, "wilks", ((-2.0, 2.0),)),
        IntervalResult(0.6827, "neyman", ((-1.5, 1.2),)),
    )
    curve = tuple(PLACES.tolist()), tuple(statistic.tolist())
    flat = (0.0,) * len(PLACES)
    return ParameterResult(
        "a", False, -3.0, 3.0, period, 0.0, False, None, intervals, *curve, flat, flat, (), 0.0
    )


def toys(coverage: list[float], critical: list[float]) -> list[ToyResult]:
    return [
        ToyResult("a", float(i), 500, 60.0, ((c, 0.02), (0.95, 0.01)), (k, 4.0), *[0.0] * 5, ())
        for i, (c, k) in enumerate(zip(coverage, critical, strict=True))
    ]


def test_a_parabola_needs_no_word() -> None:
    assert interval_notes([parameter(PLACES**2)], [], LEVELS) == []
    good = toys([0.70, 0.66, 0.68], [1.0, 1.1, 1.0])
    assert interval_notes([parameter(PLACES**2)], good, LEVELS) == []


def test_other_likelihoods_want_pseudo_experiments() -> None:
    """Two minima, one of 2.5: the second interval is far wider than twice the first."""
    two = np.minimum(16 * (PLACES - 1) ** 2, 16 * (PLACES + 2) ** 2 + 2.5)
    (note,) = interval_notes([parameter(two)], [], LEVELS)
    assert "no parabola" in note
    assert "intervals.toys" in note


def test_wilks_where_it_fails() -> None:
    (note,) = interval_notes(
        [parameter(PLACES**2)], toys([0.68, 0.46, 0.58], [1.0, 1.4, 1.2]), LEVELS
    )
    assert "46% ± 2% of the data sets at 1" in note
    assert "off at 2 of 3 true values" in note


def test_critical_values_that_change_fast() -> None:
    """From the last to the first too, where the axis is a circle."""
    found = toys([0.68] * 3, [0.8, 1.1, 1.4])
    assert interval_notes([parameter(PLACES**2)], found, LEVELS) == []
    (note,) = interval_notes([parameter(PLACES**2, 6.0)], found, LEVELS)
    assert "1.4 at 2 and 0.8 at 0" in note


def test_neymans_interval_is_quoted_if_there_is_one() -> None:
    found = parameter(PLACES**2)
    assert quoted(found).method == "neyman"
    assert with_interval(found) == "0.0 (+1.2, −1.5)"
