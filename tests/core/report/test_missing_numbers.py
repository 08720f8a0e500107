"""Pictures of numbers that are missing: a gap, never a zero."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest

from crosshook.core.report.bars import draw_bars
from crosshook.core.report.distributions import draw_histogram
from crosshook.core.report.figures import BarsFigure, HistogramFigure, HistoryFigure, Series
from crosshook.core.report.history import draw_history

WORDS = ("id", "Title", "Caption", "Alternative")


def drawn_lengths(lines: object) -> list[float]:
    """Lengths of the error bars that have one."""
    return [
        float(np.ptp(segment, axis=0).max())
        for segment in lines.get_segments()  # type: ignore[attr-defined]
        if len(segment) and np.isfinite(segment).all()
    ]


def test_bars_without_a_value_say_so() -> None:
    values = Series("σ [pb]", (1.0, math.nan, 2.0), (0.1, math.nan, math.nan))
    canvas = draw_bars(BarsFigure(*WORDS, names=("a", "b", "c"), panels=(values,)))
    canvas.savefig(io.BytesIO())
    (axes,) = canvas.axes
    assert [text.get_text() for text in axes.texts] == ["no value"]
    widths = [bar.get_width() for bar in axes.patches]  # type: ignore[attr-defined]
    assert [math.isfinite(width) for width in widths] == [True, False, True]
    assert drawn_lengths(axes.collections[0]) == pytest.approx([0.2])


def test_bins_without_an_error_have_no_bar() -> None:
    reference = Series("points", (4.0, math.nan, 2.0), (0.1, math.nan, math.nan))
    sample = Series("events", (4.0, 3.0, 2.0), (0.2, math.nan, 0.2))
    figure = HistogramFigure(
        *WORDS, axis="x", unit="", edges=(0.0, 1.0, 2.0, 3.0), reference=reference, sample=sample
    )
    canvas = draw_histogram(figure)
    canvas.savefig(io.BytesIO())
    (bars,) = [c for c in canvas.axes[0].collections if hasattr(c, "get_segments")]
    assert drawn_lengths(bars) == pytest.approx([0.4, 0.4])


@pytest.mark.parametrize("cumulative", [True, False])
def test_a_history_with_gaps_is_drawn(cumulative: bool) -> None:
    estimates = Series("estimate", (2.0, math.nan, 2.1), (0.3, math.nan, 0.1))
    figure = HistoryFigure(
        *WORDS,
        axis="points",
        places=(100.0, 200.0, 300.0),
        estimates=estimates,
        final=("final", 2.1, math.nan),
        cumulative=cumulative,
    )
    canvas = draw_history(figure)
    canvas.savefig(io.BytesIO())
    low, high = canvas.axes[0].get_ylim()
    assert 1.0 < low < 1.7
    assert 2.3 < high < 3.0
    if not cumulative:
        (bars,) = [c for c in canvas.axes[0].collections if hasattr(c, "get_segments")]
        assert drawn_lengths(bars) == pytest.approx([0.6, 0.2])
