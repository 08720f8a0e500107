"""Results side by side: what is compared, what differs, and what cannot be compared."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import TYPE_CHECKING

import pytest

from crosshook.core.cli import main
from crosshook.core.errors import InputError
from crosshook.core.report.compared_runs import runs_headline, runs_sections
from crosshook.core.report.differences import names_of, settings_table
from crosshook.core.report.figures import OverlayFigure, SpectrumFigure
from crosshook.core.report.overlays import draw_overlay
from crosshook.core.report.side_by_side import compare
from crosshook.core.results import RunResult, as_json

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("grid", "network")


@pytest.fixture(scope="module")
def other(learned_result: RunResult) -> RunResult:
    """The same process with another sampler: 1.1 pb more, error 0.9 pb."""
    assert learned_result.generation is not None
    return dataclasses.replace(
        learned_result,
        configuration=learned_result.configuration | {"sampling": {"channel_mapping": "flow"}},
        generation=dataclasses.replace(learned_result.generation, cross_section=475.1, error=0.9),
    )


def written(directory: Path, result: RunResult) -> Path:
    """A directory with the report of a run."""
    directory.mkdir(parents=True)
    (directory / "report.json").write_text(json.dumps(as_json(result)), encoding="utf-8")
    return directory


def test_difference_is_in_standard_errors(run_result: RunResult, other: RunResult) -> None:
    """(475.1 − 474) / √(0.9² + 0.07²), in the headline and in the table with its sign."""
    pull = 1.1 / math.hypot(0.9, 0.07)
    top = runs_headline(NAMES, [run_result, other])
    assert top.value == f"{pull:.3g} standard errors"
    assert [fact.value for fact in top.facts[:2]] == ["474.000 ± 0.070 pb", "475.10 ± 0.90 pb"]
    assert top.notes == ()
    results = runs_sections(NAMES, [run_result, other])[0]
    rows = {row[0]: row[1:] for row in results.tables[0].rows}
    assert rows["from grid, in standard errors"] == ("—", f"{pull:.3g}")
    assert rows["ε, excess-share 0.1 %"] == ("60.80 ± 0.50 %", "60.80 ± 0.50 %")
    assert rows["events"] == ("2,000", "2,000")


def test_three_runs_are_judged_about_their_mean(run_result: RunResult, other: RunResult) -> None:
    """χ² of three values about their weighted mean, by hand."""
    top = runs_headline(("a", "b", "c"), [run_result, other, run_result])
    weights, values = (0.07**-2, 0.9**-2, 0.07**-2), (474.0, 475.1, 474.0)
    mean = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
    chi = sum(w * (v - mean) ** 2 for w, v in zip(weights, values, strict=True))
    assert top.value == f"{chi:.3g} / 2"


def test_figures_hold_every_run(run_result: RunResult, other: RunResult) -> None:
    """Observables as lines, weights in points per million, equal histograms with χ² 0."""
    parts = {s.id: s for s in runs_sections(NAMES, [run_result, other])}
    (overlay,) = parts["kinematics"].figures
    assert isinstance(overlay, OverlayFigure)
    assert [line.name for line in overlay.lines] == list(NAMES)
    assert "network: χ² / bins = 0 / 8, probability 1" in overlay.caption
    spectrum = parts["samplers"].figures[1]
    assert isinstance(spectrum, SpectrumFigure)
    assert all(abs(sum(counts) - 1e6) <= 3 for _, counts in spectrum.lines)
    (settings,) = parts["settings"].tables
    assert settings.rows == (("sampling.channel_mapping", "—", "flow"),)


def test_other_physics_is_told(run_result: RunResult, other: RunResult) -> None:
    """Runs at two energies can be looked at side by side, but nobody should be misled."""
    beams = {"beams": {"energy": 500, "pdf": "ToyLH_LO"}}
    changed = dataclasses.replace(other, configuration=other.configuration | beams)
    (note,) = runs_headline(NAMES, [run_result, changed]).notes
    assert "beams.energy" in note


def test_command_writes_a_page(
    run_result: RunResult, other: RunResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the first directory, with the shortest names that tell the runs apart."""
    first, second = (
        written(tmp_path / "a" / "run", run_result),
        written(tmp_path / "b" / "run", other),
    )
    main(["report", str(first), "--compare", str(second)])
    page = first / "comparison.html"
    assert capsys.readouterr().out.strip() == str(page)
    text = page.read_text("utf-8")
    assert ">a/run<" in text
    assert ">b/run<" in text


def test_every_run_is_in_the_legend(run_result: RunResult, other: RunResult) -> None:
    """Also those whose directory begins with what matplotlib leaves out."""
    (overlay,) = runs_sections(("_grid", "$net"), [run_result, other])[1].figures
    assert isinstance(overlay, OverlayFigure)
    legend = draw_overlay(overlay).axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [" _grid", r"\$net"]


def test_settings_compare_by_path() -> None:
    """Values as a run file has them; what is left aside is left aside."""
    table = settings_table(
        ("x", "y"),
        [{"a": {"b": 1, "c": [1, 2]}, "d": True}, {"a": {"b": 2, "c": [1, 2]}, "e": "no"}],
        frozenset({"e"}),
    )
    assert table is not None
    assert table.rows == (("a.b", "1", "2"), ("d", "true", "—"))
    assert settings_table(("x", "y"), [{"a": 1}, {"a": 1}]) is None


def test_what_cannot_be_compared_is_told(run_result: RunResult, tmp_path: Path) -> None:
    """Another process, no report, the same directory, one alone."""
    one = written(tmp_path / "one", run_result)
    decay = written(tmp_path / "two", dataclasses.replace(run_result, process="t > b l vl"))
    with pytest.raises(
        InputError, match=r"different processes.*one has p p > t t~, two has t > b"
    ):
        compare([one, decay])
    with pytest.raises(InputError, match="no such file"):
        compare([one, tmp_path])
    with pytest.raises(InputError, match="given twice"):
        names_of([one, tmp_path / "two" / ".." / "one"])
    with pytest.raises(InputError, match="two or more"):
        compare([one])
