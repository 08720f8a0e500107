"""The HTML page: well-formed, self-contained, safe with any text, the same when drawn again."""

from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from crosshook.core.errors import InputError, OutputError
from crosshook.core.report.html import render_html, write_html
from crosshook.core.report.redraw import redraw
from crosshook.core.results import RunResult, as_json

if TYPE_CHECKING:
    from pathlib import Path

VOID = {"meta", "img", "br", "link", "input", "hr"}
PICTURE = "data:image/png;base64,"


class Page(HTMLParser):
    """Checks nesting while it collects what the tests ask about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.paths: list[int] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "svg":
            self.paths.append(0)
        elif tag in ("path", "use"):
            self.paths[-1] += 1
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def having(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def document(result: RunResult) -> dict[str, object]:
    """What report.json holds, by way of JSON text."""
    made: dict[str, object] = json.loads(json.dumps(as_json(result), allow_nan=False))
    return made


def plainest(result: RunResult) -> RunResult:
    """Without events, pictures of observables or history: quick to draw."""
    integration = dataclasses.replace(
        result.integration, histograms=(), running=(), channels=result.integration.channels[:1]
    )
    training = dataclasses.replace(result.training, iterations=(), skipped=True)
    return dataclasses.replace(result, integration=integration, training=training, generation=None)


@pytest.fixture(scope="module")
def text(run_result: RunResult) -> str:
    """The whole report."""
    return render_html(document(run_result))


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    """The whole report, parsed."""
    return Page(text)


def test_nothing_is_fetched(page: Page) -> None:
    """No script, no style sheet, no address but anchors and pictures inside the file."""
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        for name in ("src", "href", "srcset", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", PICTURE))
    style = "".join(page.words)
    assert "@import" not in style
    assert "url(" not in style.replace("url(#", "")


def test_pictures_are_whole_and_described(page: Page) -> None:
    """Every picture has something in it, and has words for who does not see it."""
    *pictures, letters = page.having("svg")
    assert len(pictures) == 6  # observable, convergence, channels, spectrum, variations, training
    for picture, paths in zip(pictures, page.paths, strict=False):
        assert picture["role"] == "img"
        assert len(picture["aria-label"] or "") > 20
        assert paths > 20
    assert letters["class"] == "letters"
    assert len(page.having("figcaption")) == len(pictures)


def test_what_pictures_refer_to_is_in_the_page(page: Page) -> None:
    """Letters, marks and clips, each under one name."""
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    used = {(a["href"] or "")[1:] for a in page.having("use")}
    used |= {(a["clip-path"] or "")[5:-1] for _, a in page.tags if "clip-path" in a}
    assert len(used) > 20
    assert used <= ids


def test_anchors_lead_somewhere_and_are_unique(page: Page) -> None:
    """Each entry of the navigation has its section."""
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {(a["href"] or "")[1:] for a in page.having("a")} <= set(ids)


def test_numbers_that_matter_are_there(page: Page) -> None:
    """Cross section, efficiency, checksum, seed, configuration."""
    words = " ".join(page.words)
    for needed in (
        "474.000 ± 0.070 pb",
        "60.80 ± 0.50 %",
        "ab" * 32,
        "20261122",
        "ToyLH_LO",
        "13 TeV",
        "−20.00 % … +25.00 %",
        "directory: runs/ttbar",
    ):
        assert needed in words, needed
    assert not re.search(r"\bnan\b", words)


def test_text_of_strangers_stays_text(run_result: RunResult) -> None:
    """File contents and names are data: they open no tag and end no attribute."""
    hostile = '"><script>alert(1)</script><img src="http://x.invalid" onerror=\'x\'>&amp; $\\frac{'
    generation, integration = run_result.generation, run_result.integration
    assert generation is not None
    wild = dataclasses.replace(
        run_result,
        process=hostile,
        created=hostile,
        versions={hostile: hostile},
        configuration={hostile: hostile},
        notes=(hostile,),
        training=dataclasses.replace(run_result.training, notes=(hostile,), iterations=()),
        integration=dataclasses.replace(
            integration,
            running=(),
            histograms=tuple(
                dataclasses.replace(h, observable=hostile, label=hostile, unit=hostile)
                for h in integration.histograms
            ),
            channels=tuple(dataclasses.replace(c, name=hostile) for c in integration.channels),
        ),
        generation=dataclasses.replace(
            generation,
            rule=(hostile,),
            files=tuple(dataclasses.replace(f, name=hostile) for f in generation.files),
            processes=tuple(dataclasses.replace(p, label=hostile) for p in generation.processes),
            variations=tuple(
                dataclasses.replace(v, id=hostile, group=hostile, text=hostile)
                for v in generation.variations
            ),
        ),
    )
    page = Page(render_html(document(wild)))
    assert "script" not in {tag for tag, _ in page.tags}
    assert not any("onerror" in attributes for _, attributes in page.tags)
    assert not page.having("img")
    assert hostile in " ".join(page.words)


def test_missing_parts_are_left_out(run_result: RunResult) -> None:
    """No generation, one channel, nothing trained."""
    page = Page(render_html(document(plainest(run_result))))
    ids = {attributes.get("id") for _, attributes in page.tags}
    assert {"integration", "weights", "training", "provenance"} <= ids
    assert not {"kinematics", "events", "variations", "figure-channels"} & ids


def test_null_numbers_are_shown_as_missing(run_result: RunResult) -> None:
    """NaN is null in JSON; the page says n/a and draws what is left."""
    nan = float("nan")
    integration = run_result.integration
    gap = integration.histograms[0]
    broken = dataclasses.replace(
        plainest(run_result),
        integration=dataclasses.replace(
            integration,
            error=nan,
            kish=nan,
            mean_over_max=nan,
            running=(),
            channels=tuple(dataclasses.replace(c, error=nan) for c in integration.channels),
            efficiencies=tuple(
                dataclasses.replace(e, error=nan, value=nan) for e in integration.efficiencies
            ),
            histograms=(
                dataclasses.replace(
                    gap, values=(nan, *gap.values[1:]), errors=(*gap.errors[1:], nan)
                ),
            ),
        ),
    )
    page = Page(render_html(document(broken)))
    assert "n/a" in page.words
    assert len(page.having("figure")) == 3


def test_drawn_again_it_is_the_same(run_result: RunResult, tmp_path: Path) -> None:
    """report.json alone makes the same page, byte by byte."""
    report = document(plainest(run_result))
    (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    write_html(report, tmp_path / "first.html")
    again = redraw(tmp_path)
    assert again.name == "report.html"
    assert again.read_bytes() == (tmp_path / "first.html").read_bytes()
    assert {p.name for p in tmp_path.iterdir()} == {"report.json", "first.html", "report.html"}


def test_drawing_leaves_matplotlib_alone(run_result: RunResult) -> None:
    """No figure of a window system, no changed setting."""
    import matplotlib as mpl
    from matplotlib import pyplot

    before = dict(mpl.rcParams)
    render_html(document(plainest(run_result)))
    assert dict(mpl.rcParams) == before
    assert pyplot.get_fignums() == []


def test_unwritable_place_is_one_clear_error(run_result: RunResult, tmp_path: Path) -> None:
    """And no draft is left."""
    with pytest.raises(OutputError, match="cannot write the report"):
        write_html(document(plainest(run_result)), tmp_path / "absent" / "report.html")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON: line 1"),
        ("[]", "holds list, not a report"),
        ("{}", "format is None"),
        ('{"format": "crosshook-report/9"}', "this version reads 'crosshook-report/1'"),
        ('{"format": "crosshook-report/1"}', "report: 'process' is missing"),
        ('{"format": "crosshook-report/1", "extra": 1}', "'extra' is not a field"),
    ],
)
def test_broken_reports_are_named(tmp_path: Path, text: str, message: str) -> None:
    """The file and what is wrong with it."""
    (tmp_path / "report.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        redraw(tmp_path)
    assert "report.json" in str(caught.value)


def test_absent_report_is_named(tmp_path: Path) -> None:
    """A directory that is no run."""
    with pytest.raises(InputError, match="finished run"):
        redraw(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1.5}, "report.seed: 1.5 is not a whole number"),
        ({"seed": True}, "report.seed: True is not a whole number"),
        ({"seconds": "long"}, "report.seconds: 'long' is not a number or null"),
        ({"versions": []}, r"report.versions: \[\] is not an object"),
        ({"training": None}, "report.training: None is not an object"),
        ({"notes": "x"}, "report.notes: 'x' is not a list"),
    ],
)
def test_wrong_types_are_placed(
    run_result: RunResult, change: dict[str, object], message: str
) -> None:
    """The error says where in the document."""
    with pytest.raises(InputError, match=message):
        render_html(document(run_result) | change)
