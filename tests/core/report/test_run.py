"""Sections of a report as data."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from crosshook.core.report.figures import BarsFigure, HistogramFigure, SpectrumFigure
from crosshook.core.report.integration import MOST_CHANNELS
from crosshook.core.report.run import headline, sections

if TYPE_CHECKING:
    from crosshook.core.results import RunResult


def test_sections_come_in_order(run_result: RunResult) -> None:
    """What people ask first comes first."""
    assert [s.id for s in sections(run_result)] == [
        "kinematics",
        "integration",
        "weights",
        "events",
        "variations",
        "training",
        "provenance",
    ]


def test_tables_are_rectangular(run_result: RunResult) -> None:
    """Every row has a cell for every heading."""
    for section in sections(run_result):
        for table in section.tables:
            assert all(len(row) == len(table.columns) for row in table.rows), table.caption


def test_events_are_compared_with_the_integration(run_result: RunResult) -> None:
    """The caption has χ² of equal distributions; nothing is reported as a disagreement."""
    figure = sections(run_result)[0].figures[0]
    assert isinstance(figure, HistogramFigure)
    assert figure.sample is not None
    assert "χ² / bins" in figure.caption
    assert headline(run_result).notes == ()


def test_disagreement_is_said_at_the_top(run_result: RunResult) -> None:
    """Events of another distribution are no detail in a caption."""
    generation = run_result.generation
    assert generation is not None
    wrong = generation.histograms[0]
    wrong = dataclasses.replace(wrong, values=wrong.values[::-1], errors=wrong.errors[::-1])
    other = dataclasses.replace(
        run_result, generation=dataclasses.replace(generation, histograms=(wrong,))
    )
    (note,) = headline(other).notes
    assert note.startswith("events and integration disagree in pt[0]")


def test_zeros_are_stated(run_result: RunResult) -> None:
    """Points without weight have no place on a logarithmic axis."""
    weights = next(s for s in sections(run_result) if s.id == "weights")
    (figure,) = weights.figures
    assert isinstance(figure, SpectrumFigure)
    assert "The 120 points with w = 0" in figure.caption


def test_error_of_one_point_is_stated(run_result: RunResult) -> None:
    """0.08/474 · √100,000 = 0.0534."""
    weights = next(s for s in sections(run_result) if s.id == "weights")
    (fact,) = (f for f in weights.facts if f.label == "relative error × √N")
    assert fact.value == "0.0534"


def test_many_channels_are_cut_in_pictures_only(run_result: RunResult) -> None:
    """And the caption says so."""
    integration = run_result.integration
    many = tuple(
        dataclasses.replace(integration.channels[0], name=f"c{i}", estimate=float(i))
        for i in range(30)
    )
    wide = dataclasses.replace(
        run_result, integration=dataclasses.replace(integration, channels=many)
    )
    section = next(s for s in sections(wide) if s.id == "integration")
    figure = next(f for f in section.figures if isinstance(f, BarsFigure))
    assert len(figure.names) == MOST_CHANNELS
    assert f"The {30 - MOST_CHANNELS} smallest of 30 are left out." in figure.caption
    assert len(section.tables[0].rows) == 30
