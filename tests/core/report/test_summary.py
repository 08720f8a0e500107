"""The summary and the progress on the terminal, wide, narrow and where there is none."""

from __future__ import annotations

import dataclasses
import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from crosshook.core.cli.progress import RichProgress, describe
from crosshook.core.summary import print_summary

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.results import RunResult


def printed(result: RunResult, width: int, terminal: bool, directory: Path | None = None) -> str:
    """What a console of that kind shows."""
    buffer = io.StringIO()
    print_summary(result, Console(file=buffer, width=width, force_terminal=terminal), directory)
    return buffer.getvalue()


@pytest.mark.parametrize("width", [80, 140])
def test_everything_that_matters_is_printed(run_result: RunResult, width: int) -> None:
    """On 80 columns nothing is cut off or wrapped."""
    text = printed(run_result, width, terminal=False)
    for needed in (
        "σ = 474.000 ± 0.070 pb",
        "60.80 ± 0.50 %",
        "44.00 ± 0.51 %",
        "N = 100,000",
        "mean / max",
        "Kish",
        "overweights",
        "9 / 9",
        "50 thousand/s",
        "5.0 s",
        "scale variation",
        "runs/ttbar/events.lhe.gz",
    ):
        assert needed in text, needed
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text.replace(" … ", "")
    assert "\x1b" not in text


def test_terminal_gets_colour(run_result: RunResult) -> None:
    """The same in colour."""
    assert "\x1b[" in printed(run_result, 100, terminal=True)


def test_names_are_no_markup(run_result: RunResult) -> None:
    """A process or note in square brackets is printed as it is."""
    odd = dataclasses.replace(run_result, process="[red]p p", notes=("[/bold] odd",))
    text = printed(odd, 100, terminal=False)
    assert "[red]p p" in text
    assert "note: [/bold] odd" in text


def test_without_events(run_result: RunResult) -> None:
    """An integration alone."""
    text = printed(dataclasses.replace(run_result, generation=None), 80, terminal=False)
    assert "overweights" not in text
    assert "generate" not in text


def test_files_are_named_where_they_are(run_result: RunResult, tmp_path: Path) -> None:
    """In the directory given, a long path in one piece; the page if there is one."""
    (tmp_path / "report.html").write_text("x" * 1200)
    text = printed(run_result, 80, terminal=False, directory=tmp_path)
    assert f"{tmp_path}/events.lhe.gz  4.79 MB" in text
    assert f"{tmp_path}/report.html  1.2 kB" in text


def test_lines_without_a_terminal(run_result: RunResult) -> None:
    """Iterations with running χ², few lines of a stage, the last one always; no control codes."""
    buffer = io.StringIO()
    with RichProgress(console=Console(file=buffer, width=80, force_terminal=False)) as progress:
        for iteration in run_result.training.iterations:
            progress.iteration(iteration)
        for done in range(1, 101):
            progress.update("integrate", done, 100, sigma=474.1, error=0.9)
    lines = buffer.getvalue().splitlines()
    assert lines[0] == "iteration  1  σ = 477.0 ± 4.0 pb  (203.0 ± 2.8 | 274.0 ± 2.8)"
    assert lines[2].startswith("iteration  3  σ = 474.5 ± 1.0 pb")
    # About the inverse-variance mean 474.33: (2.67/4)² + (1.33/2)² + 0.17² = 0.917.
    assert lines[2].endswith("χ²/dof 0.917/2")
    assert lines[-1] == "integrate  100 %  σ = 474.10 ± 0.90 pb"
    assert len(lines) <= 5
    assert "\x1b" not in buffer.getvalue()


def test_bars_on_a_terminal_and_a_tidy_end() -> None:
    """Ctrl-C passes through and the cursor is shown again."""
    buffer = io.StringIO()
    console = Console(file=buffer, width=100, force_terminal=True)

    def interrupted() -> None:
        with RichProgress(console=console) as progress:
            progress.update("generate", 3, 10, efficiency=0.31)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    text = buffer.getvalue()
    assert "generate" in text
    assert "efficiency 31 %" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_disabled_shows_nothing(run_result: RunResult) -> None:
    """Not one character."""
    buffer = io.StringIO()
    with RichProgress(enabled=False, console=Console(file=buffer)) as progress:
        progress.update("train", 1, 2)
        progress.iteration(run_result.training.iterations[0])
    assert buffer.getvalue() == ""


def test_figures_beside_a_bar() -> None:
    """σ with its error first, shares in percent."""
    text = describe({"efficiency": 0.5, "sigma": 1.0, "error": 0.1})
    assert text == "σ = 1.00 ± 0.10 pb  efficiency 50 %"
    assert describe({"loss": 0.00123456, "step": 12000.0}) == "loss 0.001235  step 12,000"
