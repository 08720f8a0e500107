"""Variation weights against separate runs at other scales and with other members."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.adapters.lhapdf import set_search

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.physics.conftest import Finished

pytestmark = pytest.mark.physics

SEVEN = ((1, 1), (2, 1), (0.5, 1), (1, 2), (1, 0.5), (2, 2), (0.5, 0.5))
QUICK = ("sampling.evaluations=50000", "integrate.evaluations=120000", "generate=null")
SMALL = (
    "sampling.evaluations=20000",
    "integrate.evaluations=50000",
    "generate.pilot=20000",
    "generate.events=2000",
    "block_size=4096",
)
SIGMAS = 3.0
FACTOR = 1.1
"""Member 1 of the synthetic set is this times member 0."""


def test_central_weight_is_the_nominal_one(ttbar: Finished) -> None:
    """(1, 1) repeats the event's weight bit for bit."""
    events = ttbar.events()
    assert [w.attributes for w in events.info.weights] == [
        {"MUR": str(float(r)), "MUF": str(float(f))} for r, f in SEVEN
    ]
    assert np.array_equal(events.weights[:, 0], np.asarray(events.event["weight"]))
    assert ttbar.generation.variations[0].cross_section == pytest.approx(
        ttbar.generation.cross_section, rel=1e-12
    )


def test_report_gives_the_means_of_the_file(ttbar: Finished) -> None:
    """σ of each variation is the mean of its weights."""
    means = ttbar.events().weights.mean(axis=0)
    reported = [v.cross_section for v in ttbar.generation.variations]
    assert reported == pytest.approx(list(means), rel=1e-12)


@pytest.mark.parametrize(("index", "k_r", "k_f"), [(i, *SEVEN[i]) for i in range(1, 7)])
def test_separate_run(
    ttbar: Finished, runner: Callable[..., Finished], index: int, k_r: float, k_f: float
) -> None:
    """σ by weights agrees with σ of a run whose scales are the varied ones."""
    run = runner(
        "ttbar",
        "scaled",
        f"scales.renormalisation={k_r} * sum_pt",
        f"scales.factorisation={k_f} * sum_pt",
        *QUICK,
        "variations.scales=none",
    )
    events = ttbar.events()
    ratio = events.weights[:, index] / np.asarray(events.event["weight"], np.float64)
    statistical = ratio.std() / math.sqrt(len(events)) * ttbar.generation.cross_section
    expected, error = run.result.integration.cross_section, run.result.integration.error
    found = ttbar.generation.variations[index].cross_section
    assert abs(found - expected) < SIGMAS * math.hypot(statistical, error)
    # The variation is far larger than what it is tested to.
    assert abs(expected - ttbar.generation.cross_section) > SIGMAS * error


def test_renormalisation_scale_without_strong_coupling(runner: Callable[..., Finished]) -> None:
    """Drell-Yan at leading order does not know μ_R."""
    run = runner("drell-yan", "run", *SMALL, "variations.scales=7-point")
    weights = run.events().weights
    for a, b in ((0, 1), (0, 2), (3, 5), (4, 6)):
        assert np.array_equal(weights[:, a], weights[:, b])
    assert not np.allclose(weights[:, 0], weights[:, 3], rtol=1e-3)


@pytest.fixture
def two_members(tmp_path: Path) -> Path:
    """A set of two members made of the shipped one, the second 1.1 times the first."""
    shipped = set_search.find_set("ToyLH_LO")
    folder = tmp_path / "Twice"
    folder.mkdir()
    info = (shipped / "ToyLH_LO.info").read_text()
    info = info.replace("NumMembers: 1", "NumMembers: 2").replace("SetIndex: 0", "SetIndex: 700")
    (folder / "Twice.info").write_text(info.replace("ErrorType: none", "ErrorType: hessian"))
    text = (shipped / "ToyLH_LO_0000.dat").read_text()
    (folder / "Twice_0000.dat").write_text(text)
    head, *grids = text.split("---\n")
    scaled = []
    for grid in filter(str.strip, grids):
        knots, rows = grid.splitlines()[:3], grid.splitlines()[3:]
        values = [" ".join(repr(FACTOR * float(v)) for v in row.split()) for row in rows]
        scaled.append("\n".join([*knots, *values]) + "\n")
    (folder / "Twice_0001.dat").write_text("---\n".join([head, *scaled, ""]))
    return folder


def test_members(runner: Callable[..., Finished], two_members: Path) -> None:
    """Two densities enter: every event's weight is 1.21 times as large, and so is σ."""
    run = runner("ttbar", "run", *SMALL, f"beams.pdf={two_members}", "variations={pdf: all}")
    events = run.events()
    nominal = np.asarray(events.event["weight"], np.float64)
    assert np.array_equal(events.weights[:, 0], nominal)
    assert np.allclose(events.weights[:, 1], FACTOR**2 * nominal, rtol=1e-12)
    zero, one = (v.cross_section for v in run.generation.variations)
    assert one / zero == pytest.approx(FACTOR**2, rel=1e-12)
    (group,) = events.info.weight_groups.values()
    assert group == {"name": "Twice", "combine": "hessian"}
    assert [w.attributes["PDF"] for w in events.info.weights] == ["700", "701"]


def test_member_of_the_run(runner: Callable[..., Finished], two_members: Path) -> None:
    """A run with member 1 makes the same choices as one with member 0, σ 1.21 times as large."""
    found = []
    for member in (0, 1):
        slot = json.dumps(
            {"use": "lhapdf", "options": {"set": str(two_members), "member": member}}
        )
        run = runner("ttbar", f"member-{member}", *SMALL, f"beams.pdf={slot}", "variations={}")
        found.append(run.result.integration)
    assert found[1].cross_section == pytest.approx(FACTOR**2 * found[0].cross_section, rel=1e-9)
    assert found[1].error == pytest.approx(FACTOR**2 * found[0].error, rel=1e-6)
