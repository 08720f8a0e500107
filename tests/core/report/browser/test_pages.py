"""Reports in a real browser: nothing broken, nothing fetched, readable and reachable by everyone."""

from __future__ import annotations

import dataclasses
import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from crosshook.core.report.compared_runs import runs_headline, runs_sections
from crosshook.core.report.figures import MatrixFigure
from crosshook.core.report.html import render_page, write_page
from crosshook.core.report.run import headline, sections
from crosshook.core.report.sections import Section

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from crosshook.core.results import RunResult

READABLE = 4.5
"""Contrast of text with its background that WCAG 2.2 asks for, criterion 1.4.3."""
WIDE, NARROW = 1280, 420

PICTURES = """[...document.querySelectorAll("figure svg, img")].map(p => ({
  name: p.getAttribute("aria-label") || p.getAttribute("alt"), role: p.getAttribute("role"),
  width: p.getBoundingClientRect().width, height: p.getBoundingClientRect().height,
  lost: [...p.querySelectorAll("use")].filter(
    u => !document.getElementById(u.getAttribute("href").slice(1))).length,
  drawn: p.querySelectorAll("path, use, image").length }))"""

HEADINGS = '[...document.querySelectorAll("h1, h2, h3, h4")].map(h => +h.tagName[1])'

# Text on its background, colours mixed from the outermost element inwards.
CONTRASTS = r"""(() => {
  const parse = c => { const n = c.match(/[\d.]+/g).map(Number); return [n[0], n[1], n[2], n[3] ?? 1]; };
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255;
    return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
    return .2126 * r + .7152 * g + .0722 * b; };
  const over = (a, b) => a.slice(0, 3).map((v, i) => v * a[3] + b[i] * (1 - a[3]));
  const behind = e => { const c = parse(getComputedStyle(e).backgroundColor);
    return c[3] === 1 || !e.parentElement ? c : over(c, behind(e.parentElement)); };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || e.closest("style")) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    found.push([(a + .05) / (b + .05), walk.currentNode.data.trim().slice(0, 40)]);
  }
  return found; })()"""

# Lines of pictures take the page's colours: white on white would be a picture of nothing.
INK = """getComputedStyle(document.querySelector("figure svg use")).stroke"""

STOPS = """[...document.querySelectorAll("a[href], summary, [tabindex='0'], button, input")]
  .filter(e => e.matches("summary") || !e.closest("details:not([open])"))
  .map((e, i) => { e.dataset.stop = i; return e.textContent.trim().slice(0, 30); })"""

FOCUSED = """(() => { const e = document.activeElement, s = getComputedStyle(e);
  const box = e.getBoundingClientRect();
  return {stop: e.dataset.stop ?? null, outline: s.outlineStyle, width: parseFloat(s.outlineWidth),
          seen: box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight};
  })()"""

# In print every picture and row keeps together, and nothing hides beyond an edge.
PRINTED = """({
  split: [...document.querySelectorAll("figure, tr")].filter(
    e => getComputedStyle(e).breakInside !== "avoid").length,
  tall: [...document.querySelectorAll("figure")].map(e => e.getBoundingClientRect().height),
  cut: [...document.querySelectorAll(".scroll, pre, figure")].filter(
    e => getComputedStyle(e).overflowX !== "visible").length,
  wide: [...document.querySelectorAll("table, figure, pre, dl")].filter(
    e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.textContent.slice(0, 50)),
  paper: getComputedStyle(document.body).backgroundColor })"""


@pytest.fixture(scope="session", params=["run", "comparison"])
def report(
    request: pytest.FixtureRequest,
    learned_result: RunResult,
    run_result: RunResult,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A report with every kind of element, and runs side by side."""
    path = tmp_path_factory.mktemp("page") / f"{request.param}.html"
    if request.param == "comparison":
        names, results = ("grid", "network"), [run_result, learned_result]
        page = render_page(runs_headline(names, results), runs_sections(names, results), "0")
    else:
        result = dataclasses.replace(learned_result, notes=("a note to the reader",))
        page = render_page(headline(result), [*sections(result), _matrix()], "0")
    write_page(page, path)
    return path


def _matrix() -> Section:
    rows = ((1.0, 0.2, -0.4), (0.2, 1.0, 0.3), (-0.4, 0.3, 1.0))
    figure = MatrixFigure(
        id="correlation",
        title="Correlation",
        caption="Of the bins.",
        alternative="Correlations of three bins.",
        axes=("m", "m"),
        edges=(0.0, 1.0, 2.0, 3.0),
        rows=rows,
        scale="correlation",
        signed=True,
    )
    return Section("matrix", "Matrix", figures=(figure,))


def test_nothing_breaks_and_nothing_is_fetched(browser: Any, report: Path) -> None:
    """No message in the console, no exception, no request but the page itself."""
    page = browser.open(report)
    assert (
        page.messages("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
        == []
    )
    asked = [m["request"]["url"] for m in page.messages("Network.requestWillBeSent")]
    assert [url for url in asked if not url.startswith("data:")] == [report.resolve().as_uri()]


def test_pictures_are_there_and_have_words(browser: Any, report: Path) -> None:
    """Each is drawn in full size, all that it refers to is found, and it can be heard."""
    found = browser.open(report).evaluate(PICTURES)
    assert len(found) >= 3
    for picture in found:
        assert picture["role"] == "img"
        assert len(picture["name"]) > 10, picture
        assert picture["width"] > 300, picture
        assert picture["height"] > 80, picture
        assert picture["drawn"] > 20, picture
        assert picture["lost"] == 0, picture


def test_headings_are_in_order(browser: Any, report: Path) -> None:
    """One title; no level is left out on the way down."""
    levels = browser.open(report).evaluate(HEADINGS)
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_is_readable(browser: Any, report: Path, dark: bool) -> None:
    """Contrast of every text, folded ones too; lines of pictures are not those of the other scheme."""
    page = browser.open(report, dark=dark)
    found = page.evaluate(CONTRASTS)
    assert len(found) > 50
    assert min(found) >= [READABLE], min(found)
    red, green, blue = map(int, re.findall(r"\d+", page.evaluate(INK)))
    assert (red + green + blue > 3 * 128) == dark


def test_everything_is_reached_with_the_keyboard(browser: Any, report: Path) -> None:
    """Tab goes through every link and control in order, and shows where it is."""
    page = browser.open(report)
    page.call("Page.bringToFront")
    stops = page.evaluate(STOPS)
    assert len(stops) > 5
    for number, words in enumerate(stops):
        page.press("Tab")
        focused = page.evaluate(FOCUSED)
        assert focused["stop"] == str(number), (words, focused)
        assert focused["outline"] != "none", words
        assert focused["width"] >= 2, words
        assert focused["seen"], words


def test_folded_parts_open_with_the_keyboard(browser: Any, report: Path) -> None:
    """Tables and texts that are shown on demand."""
    page = browser.open(report)
    page.call("Page.bringToFront")
    for number in range(page.evaluate('document.querySelectorAll("summary").length')):
        page.evaluate(f'document.querySelectorAll("summary")[{number}].focus()')
        page.press("Enter")
        assert page.evaluate(f'document.querySelectorAll("details")[{number}].open')


def test_a_telephone_needs_no_sideways_scrolling(browser: Any, report: Path) -> None:
    """Wide tables scroll in their own frame."""
    page = browser.open(report, width=NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW


def test_print_is_light_and_whole(browser: Any, report: Path) -> None:
    """On paper, from a dark screen: black on white, no figure torn apart, nothing cut off."""
    page = browser.open(report, width=718, dark=True)  # A4 less margins of 1 cm at 96 dots an inch
    page.emulate("dark", media="print")
    found = page.evaluate(PRINTED)
    assert found["split"] == 0
    assert found["cut"] == 0
    assert max(found["tall"]) < 1046  # the height of the same page
    assert found["wide"] == []
    assert found["paper"] == "rgb(255, 255, 255)"
    assert min(page.evaluate(CONTRASTS)) >= [READABLE]
    assert page.paper().startswith(b"%PDF-")
