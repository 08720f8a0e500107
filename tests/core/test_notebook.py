"""Progress in a notebook: drawn once, then in its place, not more often than is seen."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from crosshook.core import notebook
from crosshook.core.errors import ConfigurationError
from crosshook.core.integral import integrate
from crosshook.core.notebook import NotebookProgress
from crosshook.core.quantity import CROSS_SECTION
from crosshook.core.training_result import IterationResult


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What IPython was asked to show, in order; the first call makes the place."""
    made: list[str] = []

    def display(shown: NotebookProgress, display_id: bool) -> object:
        assert display_id
        made.append(shown._repr_html_())
        return SimpleNamespace(update=lambda again: made.append(again._repr_html_()))

    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    return made


def test_bars_stay_in_their_place(pages: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The first and the last update of a stage are drawn, and what comes in between as time allows."""
    monkeypatch.setattr(notebook, "SECONDS", 1000.0)
    progress = NotebookProgress()
    progress.measures(CROSS_SECTION)
    for done in range(11):
        progress.update("integrate <1>", done, 10, sigma=505.1, error=0.2)
    assert len(pages) == 2
    assert "value='10' max='10'" in pages[-1]
    assert "integrate &lt;1&gt;" in pages[-1]
    assert "σ = 505.10 ± 0.20 pb" in pages[-1]
    monkeypatch.setattr(notebook, "SECONDS", 0.0)
    progress.iteration(IterationResult(1000, 474.0, 2.0, (), ()))
    assert "last iteration: σ = 474.0 ± 2.0 pb" in pages[-1]
    assert repr(progress).splitlines()[0] == "integrate <1> 10/10 σ = 505.10 ± 0.20 pb"


def test_an_integral_is_followed(pages: list[str]) -> None:
    """As `progress=` of a function."""
    integrate(
        lambda u: u[:, 0], dimensions=1, evaluations=2000, points=1000, progress=NotebookProgress()
    )
    assert len(pages) >= 2
    assert "integrate" in pages[-1]
    assert "I = 0." in pages[-1]


def test_without_ipython_it_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a run has begun, not at its first bar."""
    monkeypatch.setitem(sys.modules, "IPython.display", None)
    with pytest.raises(ConfigurationError, match="needs IPython"):
        NotebookProgress()
