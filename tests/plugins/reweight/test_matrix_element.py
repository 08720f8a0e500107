"""Ratios of matrix elements: MadGraph's own reweighting, a textbook formula, flavours and legs."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import open_events
from crosshook.core.events.layout import PARTICLE_COLUMNS
from crosshook.core.events.run_info import RunInfo
from crosshook.core.interfaces.matrix_element import Subprocess
from crosshook.core.process.flavour_matching import match
from crosshook.core.registry import default_registry
from crosshook.core.reweight import reweight_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from numpy.typing import NDArray

DATA = Path(__file__).parents[2] / "data" / "lhe"
MASS_Z, WIDTH_Z, FERMI = 91.188, 2.441404, 1.16639e-5
INVERSES = [100.0 + 10.0 * i for i in range(10)]
"""1/α of the weights rwgt_1 to rwgt_10 of MadGraph's file."""


def sin2(inverse: float) -> float:
    """sin²θ_W from α, G_F and m_Z at tree level, as MadGraph's model has it."""
    root = MASS_Z**4 / 4 - MASS_Z**2 * math.pi / inverse / (math.sqrt(2) * FERMI)
    return 1 - (MASS_Z**2 / 2 + math.sqrt(root)) / MASS_Z**2


def reweighter(process: object, alternatives: Mapping[str, Mapping[str, object]]) -> Any:
    slot = {
        "use": "matrix-element",
        "options": {"process": process, "alternatives": alternatives},
    }
    return default_registry().build("event_reweighter", slot, BuildContext())


def read(path: Path) -> EventBatch:
    with open_events(path) as stream:
        return EventBatch.concatenate(list(stream))


MODEL = {
    "alpha_qed_inverse": 132.507,
    "sin2_theta_w": sin2(132.507),
    "mass_z": MASS_Z,
    "width_z": WIDTH_Z,
}
OTHERS = {
    f"own_{i}": {"alpha_qed_inverse": x, "sin2_theta_w": sin2(x)}
    for i, x in enumerate(INVERSES, start=1)
}


def test_madgraph_agrees_on_twenty_events() -> None:
    events = read(DATA / "madgraph_ee_mumu.lhe.gz")
    own = reweighter({"use": "ee-mumu", "options": MODEL}, OTHERS).factors(events)
    theirs = events.weights / np.asarray(events.event["weight"])[:, None]
    # Momenta have eleven digits, of which the angle of the pair loses up to four; weights eight.
    np.testing.assert_allclose(own, theirs, rtol=1e-6)


@pytest.mark.physics
def test_madgraph_agrees_on_ten_thousand_events(tmp_path: Path) -> None:
    """Weight by weight, and σ ± error of the whole against what MadGraph's reweighting printed."""
    folder = os.environ.get("CROSSHOOK_REFERENCE_DATA")
    if folder is None:
        pytest.skip("CROSSHOOK_REFERENCE_DATA is not set")
    files = Path(folder) / "lhe" / "madgraph"
    slot = {
        "use": "matrix-element",
        "options": {"process": {"use": "ee-mumu", "options": MODEL}, "alternatives": OTHERS},
    }
    report = reweight_file(
        files / "ee_mumu.lhe.gz", tmp_path / "out.root", reweighter=slot, nominal="own_1"
    )
    events = read(tmp_path / "out.root")
    for i in range(1, 11):
        own, theirs = (events.weight_column(f"{name}_{i}") for name in ("own", "rwgt"))
        np.testing.assert_allclose(own, theirs, rtol=1e-6)
    line = (files / "ee_mumu_rwgt.csv").read_text().splitlines()[0].split(",")
    # MadGraph prints six digits.
    assert report.cross_section_out_pb == pytest.approx(float(line[1]), rel=3e-6)


def textbook(s: float, cosine: NDArray[np.float64], charges: Any, mass: float) -> Any:
    """Σ|M|² of f f̄ → ℓ-ℓ+ up to constants: γ and Z between chiral states.

    Args:
        s: GeV².
        cosine: between the incoming and the outgoing fermion.
        charges: (Q, T3) of the incoming fermion.
        mass: of the Z in GeV.
    """
    sw2, width = 0.222246486, WIDTH_Z
    z = s / (s - mass**2 + 1j * mass * width) / (sw2 * (1 - sw2))
    total = np.zeros_like(cosine)
    for incoming in (charges[1] - charges[0] * sw2, -charges[0] * sw2):
        for i, outgoing in enumerate((-0.5 + sw2, sw2)):
            amplitude = abs(-charges[0] + incoming * outgoing * z) ** 2
            same = (incoming != -charges[0] * sw2) == (i == 0)
            total += amplitude * (1 + (cosine if same else -cosine)) ** 2
    return total


def pairs(flavour: int, energy: float, cosine: NDArray[np.float64], swapped: bool) -> EventBatch:
    """f f̄ → e- e+ at rest; `swapped` has the antiparticle come along +z and the legs mixed."""
    n = len(cosine)
    sine, e = np.sqrt(1 - cosine**2), energy / 2
    out = e * np.stack([sine, 0 * sine, cosine], axis=1)
    along = np.tile([0.0, 0.0, e], (n, 1))
    legs = [(flavour, -1, along), (-flavour, -1, -along), (11, 1, out), (-11, 1, -out)]
    if swapped:
        legs = [
            (-11, 1, out), (-flavour, -1, along), (23, 2, 0 * out), (flavour, -1, -along),
            (11, 1, -out),
        ]  # fmt: skip
    m = len(legs)
    momenta = np.stack([p for _, _, p in legs], axis=1).reshape(m * n, 3)
    particles = {name: np.zeros(m * n) for name in PARTICLE_COLUMNS} | {
        "pdg_id": np.tile([i for i, _, _ in legs], n),
        "status": np.tile([s for _, s, _ in legs], n),
        "e": np.tile([0.0 if s == 2 else e for _, s, _ in legs], n),
        **{name: momenta[:, i] for i, name in enumerate(("px", "py", "pz"))},
    }
    ones = np.ones(n)
    event = {name: ones for name in ("process_id", "weight", "scale", "alpha_qed", "alpha_qcd")}
    return EventBatch.from_columns(RunInfo(), np.full(n, m), event, particles)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(
    ("flavour", "charges"), [(2, (2 / 3, 0.5)), (1, (-1 / 3, -0.5)), (4, (2 / 3, 0.5))]
)
@pytest.mark.parametrize("energy", [60.0, 91.0, 400.0])
def test_drell_yan_follows_the_textbook(
    energy: float, flavour: int, charges: tuple[float, float], swapped: bool
) -> None:
    cosine = np.linspace(-0.95, 0.95, 21)
    batch = pairs(flavour, energy, cosine, swapped)
    options = {"mass_z": MASS_Z, "width_z": WIDTH_Z, "sin2_theta_w": 0.222246486}
    built = reweighter({"use": "drell-yan", "options": options}, {"heavy": {"mass_z": 93.0}})
    found = built.factors(batch)[:, 0]
    s = energy**2
    # swapped: the quark comes along -z and the e- goes along -out, so the angle is the same
    expected = textbook(s, cosine, charges, 93.0) / textbook(s, cosine, charges, MASS_Z)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    assert np.ptp(found) > 1e-3


def test_mixed_flavours_and_no_events() -> None:
    cosine = np.linspace(-0.9, 0.9, 5)
    parts = [pairs(f, 91.0, cosine, s) for f in (1, 2) for s in (False, True)]
    built = reweighter("drell-yan", {"a": {"mass_z": 92.0}, "b": {"width_z": 2.0}})
    info = RunInfo()
    assert [w.id for w in built.declare(info)] == ["a", "b"]
    assert built.declare(info)[0].text == "drell-yan, mass_z = 92.0"
    whole = EventBatch.concatenate(parts)
    expected = np.concatenate([built.factors(part) for part in parts])
    np.testing.assert_array_equal(built.factors(whole), expected)
    order = np.random.default_rng(1).permutation(len(whole))
    np.testing.assert_array_equal(built.factors(whole[order]), expected[order])
    assert built.factors(whole[:0]).shape == (0, 2)


def test_what_cannot_be_reweighted_is_refused() -> None:
    batch = pairs(2, 91.0, np.linspace(-0.9, 0.9, 3), swapped=False)
    muons = replace(
        batch,
        particle_columns=batch.particle_columns
        | {"pdg_id": np.tile([2, -2, 13, -13], 3).astype(np.int64)},
    )
    built = reweighter("drell-yan", {"a": {"mass_z": 92.0}})
    with pytest.raises(InputError, match="drell-yan has no subprocess 2 -2 > 13 -13"):
        built.factors(muons)
    with pytest.raises(ConfigurationError, match="external masses"):
        reweighter("pp-ttbar", {"heavy": {"mass_t": 175.0}})
    with pytest.raises(ConfigurationError, match="has other subprocesses than drell-yan"):
        reweighter("drell-yan", {"muons": {"lepton": "mu"}})
    with pytest.raises(ConfigurationError, match="mass_z"):
        reweighter("drell-yan", {"a": {"mas_z": 92.0}})


def test_legs_are_matched_by_flavour() -> None:
    def sub(*pdg: int, mirror: bool = False) -> Subprocess:
        return Subprocess(pdg, 0, 1, "", (), mirror=mirror)

    gluons, quarks = sub(21, 21, 6, -6), sub(2, -2, 6, -6, mirror=True)
    assert match((21, 21), (6, -6), [gluons, quarks]) == (0, (0, 1, 2, 3))
    assert match((21, 21), (-6, 6), [gluons, quarks]) == (0, (0, 1, 3, 2))
    assert match((2, -2), (6, -6), [gluons, quarks]) == (1, (0, 1, 2, 3))
    assert match((-2, 2), (-6, 6), [gluons, quarks]) == (1, (1, 0, 3, 2))
    assert match((-2, 2), (-6, 6), [sub(2, -2, 6, -6)]) is None
    assert match((21, 21), (21, 21, 21), [sub(21, 21, 21, 21, 21)]) == (0, (0, 1, 2, 3, 4))
    assert match((6,), (-11, 12, 5), [sub(6, 5, -11, 12)]) == (0, (0, 3, 1, 2))
    assert match((1, -1), (6, -6), [gluons, quarks]) is None
