"""Events as objects of other packages: pylhe, the particle package, hist."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import crosshook
from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.events.pylhe_events import pylhe_init

if TYPE_CHECKING:
    from crosshook.core.events.batch import EventBatch

pylhe = pytest.importorskip("pylhe", reason="pylhe is not installed")
DATA = Path(__file__).parents[2] / "data" / "lhe"


def read(name: str) -> EventBatch:
    with crosshook.open_events(DATA / name) as stream:
        return crosshook.EventBatch.concatenate(list(stream))


@pytest.mark.parametrize(
    "name",
    ["madgraph_pp_ttW.lhe.gz", "sherpa_zjet.lhe", "mg5_2.2.1_Z_mlm.lhe", "jhugen_qq_bbH.lhe"],
)
def test_pylhe_objects_are_those_pylhe_reads(name: str) -> None:
    ours, theirs = read(name).to_pylhe(), list(pylhe.LHEFile.fromfile(str(DATA / name)).events)
    assert len(ours) == len(theirs) > 0
    for a, b in zip(ours, theirs, strict=True):
        assert a.eventinfo == b.eventinfo
        assert a.particles == b.particles
        assert a.weights == b.weights
        assert {k: float(v) for k, v in a.attributes.items()} == {
            k: float(v) for k, v in b.attributes.items()
        }


def test_pylhe_init_is_the_one_pylhe_reads() -> None:
    name = "madgraph_pp_ttW.lhe.gz"
    ours, theirs = pylhe_init(read(name).info), pylhe.LHEFile.fromfile(str(DATA / name)).init
    assert ours.initInfo == theirs.initInfo
    for a, b in zip(ours.procInfo, theirs.procInfo, strict=True):
        assert (a.xSection, a.error, a.unitWeight, a.procId) == (
            b.xSection,
            b.error,
            b.unitWeight,
            b.procId,
        )


def test_pdg_lookups() -> None:
    batch = read("madgraph_pp_tt012j.lhe.gz")
    names, charges = batch.pdg("name"), batch.pdg("charge")
    assert len(charges) == len(names) == len(batch)
    flat = batch.particle_columns["pdg_id"].tolist()
    table = {21: ("g", 0.0), 6: ("t", 2 / 3), -6: ("t~", -2 / 3), 1: ("d", -1 / 3)}
    seen = 0
    rows = zip(flat, _flat(names), _flat(charges), strict=True)
    for pdg_id, name, charge in rows:
        if pdg_id in table:
            seen += 1
            assert name == table[pdg_id][0]
            assert charge == pytest.approx(table[pdg_id][1])
    assert seen > 50
    # charge is conserved in every event
    status = batch.particles.status
    for event, own in zip(charges.to_list(), status.to_list(), strict=True):
        pairs = list(zip(event, own, strict=True))
        incoming = sum(c for c, s in pairs if s == -1)
        assert sum(c for c, s in pairs if s == 1) == pytest.approx(incoming, abs=1e-9)
    for wrong in ("nam", "_name", "from_pdgid"):
        with pytest.raises(ConfigurationError, match="particle"):
            batch.pdg(wrong)


def _flat(array: object) -> list[object]:
    return [x for event in array.to_list() for x in event]  # type: ignore[attr-defined]


def test_unknown_particles_have_no_name() -> None:
    batch = read("jhugen_qq_bbH.lhe")
    columns = dict(batch.particle_columns)
    columns["pdg_id"] = np.full_like(columns["pdg_id"], 987654321)
    odd = crosshook.EventBatch.from_columns(
        batch.info, batch.counts, batch.event, columns, batch.weights
    )
    assert set(_flat(odd.pdg("name"))) == {None}
    assert len(batch[:0].pdg("name")) == 0


def test_histograms_add_up() -> None:
    batch = read("sherpa_wjj.lhe.gz")
    axis = (7, 0.0, 700.0)
    whole = batch.histogram("pt[jet[0]]", axis)
    parts = batch[:13].histogram("pt[jet[0]]", axis) + batch[13:].histogram("pt[jet[0]]", axis)
    weight = np.asarray(batch.event["weight"], np.float64)
    final = batch.particles[batch.particles.status == 1]
    pt = np.array([max(event.pt[2:].tolist()) for event in final.p4])  # legs 2 and 3 are jets
    expected, edges = np.histogram(pt, 7, (0.0, 700.0), weights=weight)
    squares, _ = np.histogram(pt, 7, (0.0, 700.0), weights=weight**2)
    np.testing.assert_allclose(whole.values(), expected, rtol=1e-12)
    np.testing.assert_allclose(whole.variances(), squares, rtol=1e-12)
    np.testing.assert_allclose(parts.values(), expected, rtol=1e-12)
    np.testing.assert_array_equal(whole.axes[0].edges, edges)
    # events without a third jet are in no bin, not even beyond the ends
    assert batch.histogram("pt[jet[2]]", axis).sum(flow=True).value == 0.0


def test_histograms_of_other_weights() -> None:
    import hist

    batch = read("madgraph_pp_ttW.lhe.gz")
    axis = hist.axis.Variable([0.0, 50.0, 1000.0], name="pt")
    one = batch.histogram("pt[0]", axis)
    other = batch.histogram("pt[0]", axis, weight="rwgt_1")
    total = batch.weight_column("rwgt_1").sum() / batch.event["weight"].sum()
    ratio = other.sum(flow=True).value / one.sum(flow=True).value
    assert ratio == pytest.approx(total, rel=1e-12)
    with pytest.raises(InputError, match="no weight 'rwgt_99'"):
        batch.histogram("pt[0]", axis, weight="rwgt_99")
