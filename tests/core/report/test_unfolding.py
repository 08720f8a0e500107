"""The sections of an unfolding's report, from diagnostics made up with fixed numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from crosshook.core.report.drawing import draw
from crosshook.core.report.html import render_page
from crosshook.core.report.sections import Headline, Section
from crosshook.core.report.unfolding import (
    unfolding_facts,
    unfolding_notes,
    unfolding_sections,
)
from crosshook.core.report.unfolding_figures import BandsFigure, MatrixFigure
from crosshook.core.unfolding.diagnostics_result import (
    DetectorClosure,
    Diagnostics,
    HarmTest,
    LevelSpectra,
    ShiftedObservable,
    ShiftTest,
    Stopping,
    Trend,
    VarianceSplit,
    WeightHealth,
)

NAN = (math.nan,) * 3


@pytest.fixture(scope="module")
def diagnostics() -> Diagnostics:
    """One observable with everything known."""
    spectra = LevelSpectra(
        name="m",
        unit="GeV",
        edges=(0.0, 10.0, 20.0, 2000.0),
        prior=(500.0, 300.0, 1.0),
        unfolded=(400.0, 400.0, 1.0),
        statistical=(20.0, 20.0, 0.5),
        network=(3.0, 4.0, 0.1),
        total=(21.0, 21.0, 0.6),
        correlation=((1.0, -0.4, 0.0), (-0.4, 1.0, 0.1), (0.0, 0.1, 1.0)),
        measured=(380.0, 390.0, 0.0),
        measured_error=(19.5, 19.7, 0.0),
        folded=(375.0, 395.0, 0.0),
        folded_error=(10.0, 10.0, 0.0),
        simulated=(480.0, 290.0, 1.0),
        response=((0.8, 0.2, 0.0), (0.3, 0.7, 0.0), (0.0, 0.0, 0.0)),
    )
    trend = Trend("m", (9.0, 2.0, 0.5), (0.4,) * 3, (1.0,) * 3, (8.0, 1.0), (1.0, 0.0), (1.0, 1.5))
    return Diagnostics(
        unfolded_sum=801.0,
        spectra=(spectra,),
        stopping=Stopping(2, (trend,), "replicas", None, "not settled after 2 iterations"),
        shifts=(ShiftTest("as unfolded", (ShiftedObservable("m", 9, 0.5, 1, 0.1, 0.2),), 1e-3),),
        harms=(HarmTest("m", 9.0, 1.0, 8.0, 2.0, False, False),),
        weights=WeightHealth(1000, 700.0, 1000.0, 0.02, 0.3, 0, 0.3, 2.5, 1),
        closure=DetectorClosure(770.0, 28.0, 770.4, 0.0005),
        splits=(
            VarianceSplit("m", "bootstrap_data", 20, 2, 0.75, 0.1, 0.2, 0.05, 0.1),
            VarianceSplit("m", "bootstrap_mc", 20, 1, 0.04, 0.01, *NAN),
        ),
        fits={"nominal": 1, "bootstrap_data": 40},
        notes=("binned in 3 cells",),
        warnings=("not settled",),
    )


@pytest.fixture(scope="module")
def sections(diagnostics: Diagnostics) -> list[Section]:
    """Everything there can be."""
    return unfolding_sections(diagnostics)


def by_id(sections: list[Section], name: str) -> Section:
    """One of them."""
    return next(s for s in sections if s.id == name)


def test_page_is_well_formed(diagnostics: Diagnostics, sections: list[Section]) -> None:
    """Every picture can be drawn and has words for those who do not see it."""
    top = Headline("Z+jet", "", "801", "events", unfolding_facts(diagnostics))
    page = render_page(top, sections, "0.1")

    class Pictures(HTMLParser):
        found: list[str]

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if ("role", "img") in attrs:
                self.found.append(dict(attrs)["aria-label"] or "")

    parser = Pictures()
    parser.found = []
    parser.feed(page)
    drawn = [f for s in sections for f in s.figures]
    assert parser.found == [f.alternative for f in drawn]
    assert all(parser.found)
    assert len({f.id for f in drawn}) == len(drawn) == 6


def test_numbers_are_those_of_the_diagnostics(sections: list[Section]) -> None:
    """Root mean square √(Σ σ²/h / Σ h) of the total errors by hand; bias over its error."""
    (row,) = by_id(sections, "uncertainties").tables[0].rows
    wanted = 100 * math.sqrt((21**2 / 400 + 21**2 / 400 + 0.36) / 801)
    assert row[0] == "m"
    assert row[3] == f"{wanted:.3g} %"
    (row,) = by_id(sections, "stress").tables[0].rows
    assert row == ("m", "9", "0.5", "1", "0.1", "0.5")
    (row,) = by_id(sections, "harm").tables[0].rows
    assert (row[3], row[-1]) == ("differ", "no control")
    facts = {f.label: f.value for f in by_id(sections, "convergence").facts}
    assert facts["settled from iteration"] == "none"


def test_variances_are_told_by_origin(sections: list[Section]) -> None:
    """Shares of the sum; with one seed, all there is comes with the events."""
    data, simulated = by_id(sections, "uncertainties").tables[1].rows
    assert data == ("m", "bootstrap_data", "20 × 2", "1", "75 ± 10 %", "20 %", "5 %")
    assert simulated == ("m", "bootstrap_mc", "20 × 1", "0.2", "100 ± 25 %", "n/a", "n/a")


def test_pulls_are_differences_over_their_errors(sections: list[Section]) -> None:
    """An empty bin has none."""
    figure = by_id(sections, "detector").figures[0]
    assert isinstance(figure, BandsFigure)
    assert figure.pulls[:2] == pytest.approx((5 / math.hypot(19.5, 10), -5 / math.hypot(19.7, 10)))
    assert math.isnan(figure.pulls[2])


def test_response_has_the_reconstructed_value_upwards(sections: list[Section]) -> None:
    figure = by_id(sections, "detector").figures[1]
    assert isinstance(figure, MatrixFigure)
    assert figure.rows == ((0.8, 0.3, 0.0), (0.2, 0.7, 0.0), (0.0, 0.0, 0.0))
    assert figure.alternative.startswith("On average 75 %")


def test_what_is_not_known_is_left_out(diagnostics: Diagnostics) -> None:
    """No replicas, iterations, tests or rows of the simulation: no bands, curves or pulls."""
    bare = replace(
        diagnostics.spectra[0],
        statistical=NAN,
        network=NAN,
        total=NAN,
        correlation=(),
        folded=(),
        folded_error=(),
    )
    nothing = replace(diagnostics, spectra=(bare,), stopping=None, shifts=(), harms=(), splits=())
    made = unfolding_sections(nothing)
    assert [s.id for s in made] == ["truth", "uncertainties", "detector", "weights"]
    assert by_id(made, "uncertainties").tables == ()
    assert by_id(made, "truth").figures[0].caption.startswith("No replica")
    for section in made:
        for figure in section.figures:
            assert draw(figure).startswith("<?xml")
    assert len(unfolding_facts(nothing)) == 2


def test_reasons_for_distrust_come_first(diagnostics: Diagnostics) -> None:
    assert unfolding_notes(diagnostics) == ("not settled", "binned in 3 cells")
