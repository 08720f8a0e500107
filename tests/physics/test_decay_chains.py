"""Events with resonances within resonances: records, masses, mothers, colour, and Pythia's view."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import open_events
from crosshook.core.run import run

if TYPE_CHECKING:
    from numpy.typing import NDArray

pytestmark = pytest.mark.physics

EXAMPLES = Path(__file__).parents[2] / "examples"
SETTINGS = (
    "sampling.evaluations=40000",
    "integrate.evaluations=60000",
    "generate.pilot=30000",
    "generate.events=3000",
    "output.report=none",
    "output.formats=[lhe]",
)
ROUNDING = 1e-9
"""Of momenta to the energy: ten decimal digits after a chain of four boosts."""

EE_ROWS = (-11, 11, 6, 24, -6, -24, 5, -13, 14, -5, 11, -12)
EE_MOTHERS = (0, 0, 1, 3, 1, 5, 3, 4, 4, 5, 6, 6)
"""PDG ids of the rows of e+e- -> tt̄ and the first mother of each, counted from 1."""

TOP_ROWS = (6, 24, 5, -11, 12)
TOP_MOTHERS = (0, 1, 1, 2, 2)


@dataclass(frozen=True)
class Made:
    """Events of one run with what the run said."""

    path: Path
    events: EventBatch
    result: Any

    def table(self, name: str) -> NDArray[np.float64]:
        """A column of all particles, `(n, m)`."""
        column = np.asarray(self.events.particle_columns[name], np.float64)
        return column.reshape(len(self.events), -1)

    def momenta(self) -> NDArray[np.float64]:
        """(E, px, py, pz), `(n, m, 4)`."""
        return np.stack([self.table(name) for name in ("e", "px", "py", "pz")], -1)


def _made(example: str, place: Path) -> Made:
    result = run(EXAMPLES / f"{example}.yaml", settings=SETTINGS, output=place)
    path = place / "events.lhe"
    with open_events(path) as stream:
        return Made(path, EventBatch.concatenate(list(stream)), result)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """e+e- -> tt̄."""
    return _made("ee-ttbar", tmp_path_factory.mktemp("ee-ttbar") / "run")


@pytest.fixture(scope="module")
def tops(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """t -> b ℓ ν."""
    return _made("top-decay", tmp_path_factory.mktemp("top-decay") / "run")


@pytest.fixture(params=["pairs", "tops"])
def made(request: pytest.FixtureRequest) -> Made:
    """Either of them."""
    found: Made = request.getfixturevalue(request.param)
    return found


def test_rows_and_mothers(made: Made) -> None:
    decay = made.events.info.beams[1] == 0
    rows, mothers, n_in = (TOP_ROWS, TOP_MOTHERS, 1) if decay else (EE_ROWS, EE_MOTHERS, 2)
    assert np.all(made.table("pdg_id") == rows)
    assert np.all(made.table("mother1") == mothers)
    last = [n_in if mother == 1 else mother for mother in mothers]
    assert np.all(made.table("mother2") == last)
    resonant = [i for i, pdg in enumerate(rows) if abs(pdg) in (6, 24) and i >= n_in]
    expected = np.ones(len(rows))
    expected[:n_in], expected[resonant] = -1, 2
    assert np.all(made.table("status") == expected)


def test_every_vertex_conserves_momentum(made: Made) -> None:
    """Mothers are the sums of their children, and every mass is that of its momentum."""
    p, mother = made.momenta(), made.table("mother1")[0].astype(int)
    scale = p[..., 0].max()
    for row in range(p.shape[1]):
        children = np.flatnonzero(mother == row + 1)
        if children.size and made.table("status")[0, row] == 2:
            assert np.abs(p[:, row] - p[:, children].sum(1)).max() < ROUNDING * scale
    square = p[..., 0] ** 2 - np.sum(p[..., 1:] ** 2, -1)
    assert np.abs(square - made.table("mass") ** 2).max() < ROUNDING * scale**2
    sign = np.where(made.table("status") == -1, 1.0, np.where(made.table("status") == 1, -1.0, 0))
    assert np.abs(np.einsum("nm,nmi->ni", sign, p)).max() < ROUNDING * scale


def test_colour_follows_the_quarks(made: Made) -> None:
    pdg = made.table("pdg_id")
    assert np.array_equal(made.table("colour1") == 501, (pdg == 5) | (pdg == 6))
    assert np.array_equal(made.table("colour2") == 501, (pdg == -5) | (pdg == -6))


def test_masses_follow_their_resonances(pairs: Made) -> None:
    """Half of a Breit-Wigner lies within Γ/2 of its peak; phase space and numerators tilt it only."""
    mass = pairs.table("mass")
    for row, peak, width in ((2, 173.0, 1.4915), (4, 173.0, 1.4915), (3, 80.419, 2.0476)):
        inside = np.mean(np.abs(mass[:, row] - peak) < width / 2)
        # binomial error of 3000 events, and the tails' share of a few per cent
        assert abs(inside - 0.5) < 5 * np.sqrt(0.25 / 3000) + 0.03


def test_beams_of_a_decay(tops: Made) -> None:
    """The init block names the top alone; weights average to the width."""
    info = tops.events.info
    assert info.beams == (6, 0)
    assert info.energies == (173.0, 0.0)
    weight = np.asarray(tops.events.event["weight"])
    assert weight.mean() == pytest.approx(tops.result.generation.cross_section, rel=1e-12)


def test_pythia_reads_top_pairs(pairs: Made) -> None:
    """Every event, the same σ; resonances keep their masses, and showers accept the colour."""
    with warnings.catch_warnings():
        # SWIG's types have no __module__; Python says so when the library loads.
        warnings.filterwarnings("ignore", "builtin type .*", DeprecationWarning)
        library = pytest.importorskip("pythia8mc", reason="pythia8mc is not installed")
    generator = library.Pythia("", False)
    settings = (
        "Print:quiet = on",
        "Beams:frameType = 4",
        f"Beams:LHEF = {pairs.path}",
        "Random:setSeed = on",
        "Random:seed = 20261122",
        "PDF:lepton = off",
        "Check:event = on",
        "Main:timesAllowErrors = 0",
    )
    for setting in settings:
        assert generator.readString(setting), setting
    assert generator.init()
    mass = pairs.table("mass")
    for read in range(300):
        assert generator.next()
        entries = generator.process
        found = {entries[i].id(): entries[i].m() for i in range(entries.size())}
        assert found[6] == pytest.approx(mass[read, 2], rel=1e-6)
        assert found[-24] == pytest.approx(mass[read, 5], rel=1e-6)
        event = generator.event
        visible = [event[i] for i in range(event.size()) if event[i].isFinal()]
        assert sum(particle.e() for particle in visible) == pytest.approx(500.0, abs=0.01)
        assert abs(sum(particle.charge() for particle in visible)) < 1e-6
    info = generator.infoPython()
    assert info.weightSum() / 300 == pytest.approx(pairs.result.generation.cross_section, rel=0.05)
