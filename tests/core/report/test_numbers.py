"""Numbers as text."""

from __future__ import annotations

import math

import pytest

from crosshook.core.report import numbers


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (473.8132, 0.2345, "473.81 ± 0.23 pb"),
        (473.8132, 0.0999, "473.81 ± 0.10 pb"),
        (473.8132, 12.3, "474 ± 12 pb"),
        (5.31e-8, 2.2e-10, "(5.310 ± 0.022) × 10⁻⁸ pb"),
        (4.2e9, 1e6, "(4.2000 ± 0.0010) × 10⁹ pb"),
        (-2.5, 0.5, "-2.50 ± 0.50 pb"),
        (0.0, 0.5, "0.00 ± 0.50 pb"),
        (12.5, 0.0, "12.5 pb"),
        (12.5, math.nan, "12.5 pb"),
        (math.nan, 0.1, "n/a"),
    ],
)
def test_measured(value: float, error: float, text: str) -> None:
    """Two digits of the error decide."""
    assert numbers.measured(value, error, "pb") == text


def test_shares() -> None:
    """What is missing to 100 % stays visible."""
    assert numbers.percent(0.3124, 0.0015) == "31.24 ± 0.15 %"
    assert numbers.percent(0.99982) == "99.982 %"
    assert numbers.percent(1.0) == "100 %"
    assert numbers.percent(math.nan) == "n/a"


def test_counts_sizes_times() -> None:
    """Each in the unit people use."""
    assert numbers.count(1_015_808) == "1,015,808"
    assert numbers.size(999) == "999 B"
    assert numbers.size(4_790_000) == "4.79 MB"
    assert numbers.duration(0.0421) == "42 ms"
    assert numbers.duration(21.13) == "21.1 s"
    assert numbers.duration(59.97) == "1 min 00 s"
    assert numbers.duration(4321) == "1 h 12 min"
    assert numbers.rate(2e6, 2.0) == "1 million/s"
    assert numbers.rate(1, 0.0) == "n/a"
