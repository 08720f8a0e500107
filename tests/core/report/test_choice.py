"""Candidates of a training side by side: in the report, its pictures and the summary."""

from __future__ import annotations

import dataclasses
import io
import json
from typing import TYPE_CHECKING

import jsonschema
import pytest
from rich.console import Console

from crosshook import schemas
from crosshook.core import results
from crosshook.core.report.choice import candidate_names
from crosshook.core.report.drawing import draw
from crosshook.core.report.figures import BarsFigure, CurveFigure
from crosshook.core.report.reading import read_result
from crosshook.core.report.run import sections
from crosshook.core.summary import print_summary

if TYPE_CHECKING:
    from crosshook.core.report.sections import Section
    from crosshook.core.results import RunResult


def training_of(result: RunResult) -> Section:
    """The section on the training."""
    return next(s for s in sections(result) if s.id == "training")


def test_a_learned_run_is_kept_as_it_is(learned_result: RunResult) -> None:
    """Written by the schema and read back."""
    made = json.loads(json.dumps(results.as_json(learned_result), allow_nan=False))
    jsonschema.Draft202012Validator(schemas.load("v1/report")).validate(made)
    assert read_result(made) == learned_result


def test_candidates_are_named_by_their_components(learned_result: RunResult) -> None:
    """The simplest first; two of the same component keep their roles."""
    training = learned_result.training
    assert list(candidate_names(training).values()) == ["untrained", "vegas", "flow", "chosen"]
    twice = tuple(
        dataclasses.replace(c, component=c.component and "vegas") for c in training.candidates
    )
    same = dataclasses.replace(training, candidates=twice)
    roles = ["untrained", "warm start", "learned", "chosen"]
    assert list(candidate_names(same).values()) == roles


def test_the_section_has_candidates_shares_and_losses(learned_result: RunResult) -> None:
    """What was measured, on how many points, what was chosen, and how the loss fell."""
    section = training_of(learned_result)
    candidates, choice, _ = section.tables
    assert "2,500 fresh points" in candidates.caption
    names = ["untrained", "vegas (warm start)", "flow (learned)", "chosen"]
    assert [row[0] for row in candidates.rows] == names
    assert candidates.rows[2][1:] == ("0.056", "93 %", "0.028", "96.5 %")
    assert candidates.rows[3][1:] == ("", "", "0.025", "97 %")
    assert choice.columns == ("channel", "flow", "vegas", "untrained")
    assert choice.rows[1] == ("flat", "95 %", "5 %", "0 %")
    bars, loss, _ = section.figures
    assert isinstance(bars, BarsFigure)
    assert len(bars.names) == 7
    assert isinstance(loss, CurveFigure)
    assert len(loss.values) == 800
    # Medians of the first and the last 80 steps: 0.3 · 0.99^39.5 and 0.3 · 0.99^759.5.
    (fact,) = (f for f in section.facts if f.label.startswith("loss"))
    assert fact.value == "0.202 → 0.000145"
    for table in section.tables:
        assert all(len(row) == len(table.columns) for row in table.rows)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (None, "Of the batch"),
        ({"loss": "variance", "final_loss": None}, "Variance. Of the batch"),
        ({"loss": "kl", "final_loss": "variance"}, "Kl in the rounds, variance after"),
        ({"loss": "unweighting"}, "Unweighting. Unweighting cannot be less than 1"),
    ],
)
def test_the_loss_is_named(
    learned_result: RunResult, settings: dict[str, object] | None, words: str
) -> None:
    """By the run file, where it says."""
    configuration = {"sampling": {"training": settings}} if settings else {}
    named = dataclasses.replace(learned_result, configuration=dict(configuration))
    loss = training_of(named).figures[1]
    assert loss.caption.startswith(words)


def test_without_learned_weights_there_is_one_state(learned_result: RunResult) -> None:
    """Columns and rows of the state of the channel weights are left out."""
    training = learned_result.training
    plain = tuple(
        dataclasses.replace(c, weights="") for c in training.candidates if c.weights == "after"
    )
    one = dataclasses.replace(
        learned_result, training=dataclasses.replace(training, candidates=plain)
    )
    table = training_of(one).tables[0]
    assert table.columns == ("sampler", "rel. deviation", "ε(0.1 %)")


def test_without_a_choice_nothing_is_shown(run_result: RunResult) -> None:
    """A grid that trains itself has no candidates."""
    section = training_of(run_result)
    assert not any(isinstance(f, BarsFigure | CurveFigure) for f in section.figures)
    assert len(section.tables) == 1


@pytest.mark.parametrize(
    "values",
    [
        tuple(0.3 * 0.99**step for step in range(800)),
        (0.5, 0.4, 0.3),
        (1.0,),
        (-0.1, 0.2, 0.1),
        (float("nan"), 0.2, 0.1),
        (0.0, 0.0),
    ],
    ids=["decades", "few", "one", "negative", "nan", "zero"],
)
def test_any_loss_can_be_drawn(values: tuple[float, ...]) -> None:
    """Warnings are errors here."""
    figure = CurveFigure("loss", "Loss", "", "", "step", "loss", values)
    assert "<svg" in draw(figure)


@pytest.mark.parametrize("width", [80, 140])
def test_the_summary_has_them_in_a_short_table(learned_result: RunResult, width: int) -> None:
    """Nothing is cut off or wrapped, errors included."""
    training = learned_result.training
    candidates = tuple(dataclasses.replace(c, efficiency_error=0.012) for c in training.candidates)
    found = dataclasses.replace(
        learned_result, training=dataclasses.replace(training, candidates=candidates)
    )
    buffer = io.StringIO()
    print_summary(found, Console(file=buffer, width=width, force_terminal=False))
    lines = buffer.getvalue().splitlines()
    (head,) = (i for i, line in enumerate(lines) if line.startswith("2,500 points"))
    assert lines[head].split()[-4:] == ["untrained", "vegas", "flow", "chosen"]
    rows = lines[head + 2 : head + 6]
    assert rows[0].split()[-3:] == ["0.581", "0.207", "0.056"]
    assert rows[3].startswith("ε, trained α")
    assert rows[3].rstrip().endswith("97.0 ± 1.2 %")
    assert max(map(len, lines)) <= width
