"""gg → ng: published cross sections, two phase spaces that agree, and Pythia on the events."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.physics.conftest import Finished

pytestmark = pytest.mark.physics

SHOWERED = 100

GRIDS = ("sampling.channel_mapping={use: vegas, options: {bins: 64}}", "sampling.groups=null")
"""Instead of the flow of the examples."""


def agree(one: Finished, two: Finished) -> None:
    """Cross sections within 5σ, and known to some per cent at least."""
    a, b = one.result.integration, two.result.integration
    error = math.hypot(a.error, b.error)
    assert error < 0.05 * a.cross_section
    assert a.cross_section == pytest.approx(b.cross_section, abs=5 * error)


@pytest.mark.parametrize(
    ("gluons", "published", "flat", "flat_error"),
    [(3, 24_847, 24_515, 343), (4, 9_859, 9_340, 960)],
)
def test_published_cross_sections(
    runner: Callable[..., Finished], gluons: int, published: float, flat: float, flat_error: float
) -> None:
    """Table 1 of 2203.07460 in pb, and another program's flat RAMBO in the same set-up."""
    run = runner(
        f"gg-{gluons}g",
        "run",
        *GRIDS,
        "generate=null",
        "sampling.evaluations=40_000",
        "integrate.evaluations=120_000",
    )
    found = run.result.integration
    # the table quotes no error: 1 % covers that of the 10⁶ or fewer events behind it
    allowed = 5 * found.error + 0.01 * published
    assert found.error < 0.01 * published
    assert found.cross_section == pytest.approx(published, abs=allowed)
    error = math.hypot(found.error, flat_error)
    assert found.cross_section == pytest.approx(flat, abs=5 * error)


def test_clusters_and_flat_phase_space_agree(runner: Callable[..., Finished]) -> None:
    """With harder cuts, where flat phase space is precise enough."""
    settings = (
        *GRIDS,
        "generate=null",
        "sampling.evaluations=40_000",
        "integrate.evaluations=120_000",
        "cuts={pt_min: 120, m_pair_min: 120}",
    )
    for gluons in (3, 4):
        clusters, flat = (
            runner(
                f"gg-{gluons}g",
                f"{gluons}-{name}",
                *settings,
                f"process.options.phase_space={name}",
            )
            for name in ("clusters", "rambo")
        )
        agree(clusters, flat)


@pytest.mark.parametrize("gluons", [2, 3])
def test_protons_agree_too(runner: Callable[..., Finished], gluons: int) -> None:
    settings = (
        *GRIDS,
        "generate=null",
        "beams={energy: 13000}",
        "cuts={pt_min: 300, delta_r_min: 1.0}",
        "sampling.evaluations=80_000",
        "integrate.evaluations=160_000",
    )
    clusters, flat = (
        runner(
            "gg-3g",
            name,
            *settings,
            f"process.options={{gluons: {gluons}, initial: protons, phase_space: {name}}}",
        )
        for name in ("clusters", "rambo")
    )
    agree(clusters, flat)


def test_pythia_showers_gluons_out_of_protons(runner: Callable[..., Finished]) -> None:
    """Every flow closes and every momentum balances, as far as Pythia checks."""
    with warnings.catch_warnings():
        # SWIG's types have no __module__; Python says so when the library loads.
        warnings.filterwarnings("ignore", "builtin type .*", DeprecationWarning)
        library = pytest.importorskip("pythia8mc", reason="pythia8mc is not installed")
    run = runner(
        "gg-4g",
        "run",
        *GRIDS,
        "process.options={gluons: 4, initial: protons}",
        "beams={energy: 13000}",
        "cuts={pt_min: 50, delta_r_min: 0.6}",
        "sampling.evaluations=10_000",
        "integrate.evaluations=20_000",
        f"generate={{events: {SHOWERED}, pilot: 20_000}}",
    )
    generator = library.Pythia("", False)
    for setting in (
        "Print:quiet = on",
        "Beams:frameType = 4",
        f"Beams:LHEF = {run.directory / 'events.lhe.gz'}",
        "Random:setSeed = on",
        "Random:seed = 20261122",
        "PartonLevel:MPI = off",
        "Check:event = on",
        "Main:timesAllowErrors = 0",
    ):
        assert generator.readString(setting), setting
    assert generator.init()
    for _ in range(SHOWERED):
        assert generator.next()
        event = generator.event
        visible = [event[i] for i in range(event.size()) if event[i].isFinal()]
        assert sum(particle.e() for particle in visible) == pytest.approx(13000.0, abs=0.1)
