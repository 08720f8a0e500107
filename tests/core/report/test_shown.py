"""What results show at the prompt, in a notebook and with rich: little, aligned, escaped."""

from __future__ import annotations

import dataclasses
import io
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from rich.console import Console

from crosshook.core.convert import convert
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.run_info import RunInfo
from crosshook.core.inspect import inspect_file
from crosshook.core.integral import integrate
from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.unfolder import Unfolded, WeightFamily
from crosshook.core.report.shown import MOST_ROWS
from crosshook.core.reweight import reweight_file
from crosshook.core.unfolding.result import UnfoldedHistogram

if TYPE_CHECKING:
    from crosshook.core.report.shown import Shown
    from crosshook.core.results import RunResult

EVENTS = Path(__file__).parents[2] / "data" / "lhe" / "madgraph_pp_tt012j.lhe.gz"
HOSTILE = '"><script>alert(1)</script>\x1b[2J' + "x" * 5000


class Page(HTMLParser):
    """The tags, and that each is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def histogram() -> UnfoldedHistogram:
    """More bins than are shown."""
    n = MOST_ROWS + 3
    ones = (1.0,) * n
    return UnfoldedHistogram(
        name="m",
        observable="m",
        label="jet mass",
        unit="GeV",
        edges=tuple(map(float, range(n + 1))),
        values=(100.0,) * n,
        below=1.0,
        above=2.0,
        data_errors=ones,
        simulation_errors=ones,
        network_errors=ones,
        systematic_errors=ones,
        total_errors=(2.0,) * n,
        covariance=(),
        prior=(),
        prior_errors=(),
    )


@pytest.fixture(scope="module")
def shown(run_result: RunResult, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Shown]:
    """One of each kind that is made quickly."""
    events = EventBatch.from_columns(
        RunInfo(beams=(2212, 2212), energies=(6500.0, 6500.0)),
        [4, 4],
        {
            "process_id": [1, 1],
            "weight": [474.0, 474.0],
            "scale": [180.0, 200.0],
            "alpha_qed": [0.0078, 0.0078],
            "alpha_qcd": [0.1, 0.1],
        },
        {
            "pdg_id": [21, 21, 6, -6] * 2,
            "status": [-1, -1, 1, 1] * 2,
            **{
                name: np.zeros(8)
                for name in (
                    *("mother1", "mother2", "colour1", "colour2"),
                    *("px", "py", "pz", "e", "mass", "lifetime", "spin"),
                )
            },
        },
    )
    features = Features(torch.tensor([[1.5, -2.0], [3.0, 4.0]]).double(), ("pt", "y"), ("GeV", ""))
    families = {"nominal": WeightFamily("nominal", torch.tensor([[3.0], [1.0]]), ("nominal",))}
    integral = integrate(
        lambda x: x[:, 0] ** 2, dimensions=1, evaluations=2000, points=1000, seed=1
    )
    folder = tmp_path_factory.mktemp("files")
    return {
        "inspected": inspect_file(EVENTS),
        "converted": convert(EVENTS, folder / "two.lhe", where="n == 2"),
        "reweighted": reweight_file(
            EVENTS,
            folder / "more.lhe",
            nominal="k",
            reweighter={"use": "expression", "options": {"weights": {"k": "2"}}},
        ),
        "run": run_result,
        "events": events,
        "features": features,
        "unfolded": Unfolded(features, families),
        "histogram": histogram(),
        "integral": integral,
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("inspected", ["20", "MadGraph5_aMC@NLO", "1464.0 ± 2.4 pb", "570.2 ± 1.7"]),
        ("converted", ["two.lhe", "n == 2", "11", "805 ± 163 pb"]),
        ("reweighted", ["more.lhe", "2927.9 ± 4.8 pb", "the old one is original"]),
        ("run", ["p p > t t~", "474.000 ± 0.070 pb", "60.80 ± 0.50 %"]),
        ("events", ["2 ", "g g > t t~", "474 pb", "4 in each event"]),
        ("features", ["2 ", "pt [GeV]", "-2"]),
        ("unfolded", ["2 ", "effective rows", "1.6"]),  # (3 + 1)² / (9 + 1)
        ("histogram", ["jet mass", "100.0 ± 2.0", "and 3 more"]),
        ("integral", ["0.333", "ε(0.1 %)"]),
    ],
)
def test_numbers_that_matter_are_shown(
    shown: dict[str, Shown], name: str, words: list[str]
) -> None:
    """In a notebook as a small table, at the prompt on one line, with rich on a terminal."""
    page = shown[name]._repr_html_()
    assert Page(page).tags <= {
        "div",
        "b",
        "span",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }
    assert len(page) < 12_000
    console = Console(file=io.StringIO(), width=160)
    console.print(shown[name])
    assert isinstance(console.file, io.StringIO)
    drawn = console.file.getvalue()
    for word in words:
        assert word.strip() in unescape(page), word
        assert word.strip() in drawn, word
    line = repr(shown[name])
    assert "\n" not in line
    assert len(line) < 500
    assert line.startswith(f"<{type(shown[name]).__name__} ")


def test_text_of_strangers_stays_text(run_result: RunResult) -> None:
    """Names and notes out of files open no tag, steer no terminal and are cut."""
    wild = dataclasses.replace(run_result, process=HOSTILE, notes=(HOSTILE,) * 100)
    page = wild._repr_html_()
    assert "script" not in Page(page).tags
    assert len(page) < 20_000
    assert "\x1b" not in page + repr(wild)
    console = Console(file=io.StringIO(), width=120, force_terminal=True)
    console.print(wild)
    assert isinstance(console.file, io.StringIO)
    assert "\x1b[2J" not in console.file.getvalue()


def test_an_empty_batch_is_shown(shown: dict[str, Shown]) -> None:
    """Without events there is no mean weight."""
    batch = shown["events"]
    assert isinstance(batch, EventBatch)
    assert "mean weight" not in batch[:0]._repr_html_()
    assert repr(batch[:0]).startswith("<EventBatch event batch: events 0; particles 0")
