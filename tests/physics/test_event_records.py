"""Every single event: conservation, mass shells, mothers, colour lines, scales and couplings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from crosshook.adapters.lhapdf.grid import LhapdfGrid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.physics.conftest import Finished

pytestmark = pytest.mark.physics

ROUNDING = 1e-9
"""Of momenta to the beam energy: float64 through a boost of γ < 10⁴."""


@pytest.fixture(params=["ttbar", "drell_yan", "electron_muon"])
def run(request: pytest.FixtureRequest) -> Finished:
    """Each process in turn."""
    finished: Finished = request.getfixturevalue(request.param)
    return finished


def table(run: Finished, name: str) -> NDArray[np.float64]:
    """A column of all particles, `(n, m)`; every event has the same number of them."""
    events = run.events()
    assert len(set(events.counts)) == 1
    column = np.asarray(events.particle_columns[name], np.float64)
    return column.reshape(len(events), -1)


def momenta(run: Finished) -> NDArray[np.float64]:
    """(E, px, py, pz) in GeV, `(n, m, 4)`."""
    return np.stack([table(run, name) for name in ("e", "px", "py", "pz")], axis=-1)


def test_momentum_is_conserved(run: Finished) -> None:
    """Incoming minus outgoing, in every component of every event."""
    status = table(run, "status")
    sign = np.where(status == -1, 1.0, np.where(status == 1, -1.0, 0.0))
    excess = np.einsum("nm,nmi->ni", sign, momenta(run))
    assert np.abs(excess).max() < ROUNDING * momenta(run).max()


def test_mass_shells(run: Finished) -> None:
    """E² - p² is the mass written, for the resonance too; E > 0."""
    p, mass = momenta(run), table(run, "mass")
    square = p[..., 0] ** 2 - np.sum(p[..., 1:] ** 2, axis=-1)
    assert np.all(p[..., 0] > 0)
    assert np.abs((square - mass**2) / p[..., 0] ** 2).max() < ROUNDING


def test_beams(run: Finished) -> None:
    """Partons run along the beams, with at most the beams' energies."""
    p, info = momenta(run)[:, :2], run.events().info
    assert np.all(p[..., 1:3] == 0)
    assert np.array_equal(p[:, 0, 3], p[:, 0, 0])
    assert np.array_equal(p[:, 1, 3], -p[:, 1, 0])
    assert np.all(p[..., 0] <= np.array(info.energies) * (1 + ROUNDING))


def test_mothers(run: Finished) -> None:
    """Incoming have none, a resonance has both incoming, its children have the resonance."""
    status, pdg = table(run, "status")[0], table(run, "pdg_id")
    one, two = table(run, "mother1"), table(run, "mother2")
    resonances = np.flatnonzero(status == 2)
    assert list(status[:2]) == [-1, -1]
    assert np.all(one[:, :2] == 0)
    assert np.all(two[:, :2] == 0)
    if resonances.size:
        assert np.all(pdg[:, resonances] == 23)
        assert np.all(one[:, resonances] == 1)
        assert np.all(two[:, resonances] == 2)
        children = one[:, status == 1]
        assert np.all(children == resonances[0] + 1)
    else:
        assert np.all(one[:, 2:] == 1)
        assert np.all(two[:, 2:] == 2)


def test_charge_and_flavour(run: Finished) -> None:
    """Charges balance; a quark meets its antiquark, a gluon a gluon."""
    pdg, status = table(run, "pdg_id").astype(int), table(run, "status")
    charge = {1: -1, 2: 2, 3: -1, 4: 2, 5: -1, 6: 2, 11: -3, 13: -3, 21: 0, 23: 0}
    thirds = np.vectorize(lambda i: charge[abs(i)] * (1 if i > 0 else -1))(pdg)
    assert np.all(
        np.sum(thirds * (status == -1), axis=1) == np.sum(thirds * (status == 1), axis=1)
    )
    gluons = pdg[:, 0] == 21
    assert np.all(pdg[gluons, 1] == 21)
    assert np.all(pdg[~gluons, 0] == -pdg[~gluons, 1])


def test_colour_lines_close(run: Finished) -> None:
    """Every line has two ends: an incoming colour counts as an outgoing anticolour."""
    pdg, status = table(run, "pdg_id").astype(int), table(run, "status")
    colour, anti = table(run, "colour1").astype(int), table(run, "colour2").astype(int)
    carries = (np.abs(pdg) <= 6) | (pdg == 21)
    assert np.array_equal(colour > 0, carries & (pdg > 0))
    assert np.array_equal(anti > 0, carries & ((pdg < 0) | (pdg == 21)))
    incoming, real = status == -1, status != 2
    begins = np.where(incoming, anti, colour) * real
    ends = np.where(incoming, colour, anti) * real
    assert np.array_equal(np.sort(begins, axis=1), np.sort(ends, axis=1))
    # A gluon's two lines are different ones.
    assert np.all(colour[pdg == 21] != anti[pdg == 21])


def test_scale_and_couplings(run: Finished) -> None:
    """SCALUP is μ_F, AQCDUP is α_s(μ_R), AQEDUP is the process's α."""
    events, p, status = run.events(), momenta(run), table(run, "status")[0]
    final = p[:, status == 1]
    if "t t~" in run.result.process:
        expected = np.hypot(final[..., 1], final[..., 2]).sum(axis=1)
        alpha_qed = -1.0
    else:
        total = final.sum(axis=1)
        expected = np.sqrt(total[:, 0] ** 2 - np.sum(total[:, 1:] ** 2, axis=1))
        alpha_qed = 1 / (132.507 if "mu" in run.result.process else 132.183)
    alpha_qed = 1 / (132.507 if "mu" in run.result.process else 132.183)
    scale = np.asarray(events.event["scale"], np.float64)
    # p_T and masses are differences of large numbers; 10⁻¹² of (13 TeV)² out of (1 GeV)².
    assert np.allclose(scale, expected, rtol=1e-6)
    assert np.allclose(np.asarray(events.event["alpha_qed"], np.float64), alpha_qed, rtol=1e-12)
    coupling = np.asarray(events.event["alpha_qcd"], np.float64)
    if "mu" in run.result.process:
        assert np.all(coupling == 0.118)
    else:
        alpha_s = LhapdfGrid.load("ToyLH_LO").alpha_s(torch.from_numpy(scale)).numpy()
        assert np.allclose(coupling, alpha_s, rtol=1e-12)


def test_weights_and_init_block(run: Finished) -> None:
    """IDWTUP -4: the mean weight is σ; XSECUP adds up to it; no weight exceeds XMAXUP."""
    events, generation = run.events(), run.generation
    info, weight = events.info, np.asarray(events.event["weight"], np.float64)
    number = np.asarray(events.event["process_id"])
    assert info.weighting == -4
    assert weight.mean() == pytest.approx(generation.cross_section, rel=1e-12)
    total = sum(p.cross_section for p in info.processes)
    assert total == pytest.approx(generation.cross_section, rel=1e-12)
    for process in info.processes:
        assert weight[number == process.process_id].max() == pytest.approx(process.maximum)
        found = weight[number == process.process_id].sum() / weight.size
        share = process.cross_section / total
        spread = total * np.sqrt(share * (1 - share) / weight.size)
        assert abs(found - process.cross_section) <= 4 * spread + 1e-12 * total
    common = np.median(weight)
    over = weight > common * (1 + 1e-9)
    assert np.all(weight[~over] > common * (1 - 1e-9))
    assert over.sum() == generation.overweights
    excess = np.sum(weight[over] - common) / weight.sum()
    assert excess == pytest.approx(generation.overweight_share, rel=1e-6, abs=1e-12)
    assert excess < 5e-3
    assert np.all(table(run, "spin") == 9)
    assert np.all(table(run, "lifetime") == 0)
