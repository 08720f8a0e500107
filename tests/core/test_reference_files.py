"""Whole reference files through all three commands, their cross sections, and W+2 jets' shapes."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.core.convert import convert
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import open_events
from crosshook.core.inspect import inspect_file
from crosshook.core.unweight import unweight_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

pytestmark = pytest.mark.physics

SHERPA = {
    "ttbar": (20_000, 472.49, 3.2, 1.000),
    "zjet": (20_000, 239.32, 1.7, 0.999),
    "wjj": (60_000, 271.77, 5.8, 0.036),
    "dy": (5_000, 1718.0, 20.0, 1.000),
}
MADGRAPH = {
    "ee_mumu": ((1.042870e-01, 5.338566e-05),),
    "gg_tt": ((4.406750e02, 3.665048e-01),),
    "gg_ttg": ((4.140341e02, 9.234045e-01),),
    "gg_ttgg": ((2.527868e02, 6.029287e-01),),
    "gq_ttq": ((7.041234e01, 1.954145e-01),),
    "gg_tt01g": ((4.401940e02, 5.183761e-01), (4.042197e02, 1.415248)),
    "pp_tt012j": ((5.050190e02, 6.709788e-01), (5.701968e02, 1.718583), (3.887472e02, 1.502558)),
    "nobm_pp_ttW": ((3.609400e-01, 9.693221e-04), (3.677636e-01, 1.014215e-03)),
}


def reference(*parts: str) -> Path:
    folder = os.environ.get("CROSSHOOK_REFERENCE_DATA")
    if folder is None:
        pytest.skip("CROSSHOOK_REFERENCE_DATA is not set")
    return Path(folder).joinpath("lhe", *parts)


@pytest.fixture(scope="module")
def wjj(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weighted W+2 jets file as ROOT, which reads faster."""
    path = tmp_path_factory.mktemp("wjj") / "events.root"
    convert([reference("sherpa", "wjj.lhe.gz")], path)
    return path


def read(path: Path) -> EventBatch:
    with open_events(path) as stream:
        return EventBatch.concatenate(list(stream))


@pytest.mark.parametrize("name", SHERPA)
def test_sherpa_files(name: str, tmp_path: Path, wjj: Path) -> None:
    events, value, error, kish = SHERPA[name]
    root = wjj
    if name != "wjj":
        root = tmp_path / "events.root"
        convert([reference("sherpa", f"{name}.lhe.gz")], root)
    found = inspect_file(root)
    assert (found.rule, found.events) == ("trials", events)
    # Figures as printed in the reference: half a unit of the last digit.
    assert found.cross_section_pb == pytest.approx(value, abs=0.5 if name == "dy" else 0.005)
    assert found.cross_section_error_pb == pytest.approx(error, abs=0.5 if name == "dy" else 0.05)
    assert found.kish == pytest.approx(kish, abs=5e-4)
    unweighted = unweight_file(root, tmp_path / "unit.root", 1)
    assert unweighted.kish_out > 0.999
    assert inspect_file(tmp_path / "unit.root").cross_section_pb == pytest.approx(
        found.cross_section_pb, rel=1e-12
    )


@pytest.mark.parametrize("name", MADGRAPH)
def test_madgraph_files(name: str, tmp_path: Path) -> None:
    values, errors = zip(*MADGRAPH[name], strict=True)
    root = tmp_path / "events.root"
    convert([reference("madgraph", f"{name}.lhe.gz")], root)
    found = inspect_file(root)
    assert (found.rule, found.events, len(found.weights)) == ("average", 10_000, 10)
    # XSECUP and XWGTUP are rounded to seven digits each.
    assert found.cross_section_pb == pytest.approx(sum(values), rel=3e-7)
    assert found.cross_section_error_pb == pytest.approx(math.hypot(*errors), rel=1e-12)
    report = unweight_file(root, tmp_path / "unit.root", 1)
    # All weights are one to their printed digits, so nothing is rejected.
    assert report.events_out == 10_000
    assert report.cross_section_out_pb == pytest.approx(found.cross_section_pb, rel=1e-12)


@pytest.mark.parametrize("name", ["sherpa/dy"])
def test_lhe_to_root_to_lhe(name: str, tmp_path: Path) -> None:
    source = reference(f"{name}.lhe.gz")
    convert([source], tmp_path / "events.root")
    convert([tmp_path / "events.root"], tmp_path / "back.lhe")
    with open_events(source) as one, open_events(tmp_path / "back.lhe") as other:
        for a, b in zip(one, other, strict=True):
            for column in a.event:
                np.testing.assert_array_equal(a.event[column], b.event[column])
            for column in a.particle_columns:
                np.testing.assert_array_equal(
                    a.particle_columns[column], b.particle_columns[column]
                )
            np.testing.assert_array_equal(a.weights, b.weights)
            assert a.raw == b.raw
        assert replace(other.info, version=one.info.version) == one.info


@pytest.mark.parametrize(
    "path",
    ["powheg_Zj", "jhugen_ttH_tautau", "mg5_2.2.1_Z_ckkwl", "mg5_3.7.2_madspin_loopinduced"],
)
def test_further_dialects(path: str, tmp_path: Path) -> None:
    source = reference("dialects", f"{path}.lhe")
    convert([source], tmp_path / "back.lhe.gz")
    before, after = read(source), read(tmp_path / "back.lhe.gz")
    for column in before.particle_columns:
        np.testing.assert_array_equal(
            before.particle_columns[column], after.particle_columns[column]
        )
    assert before.raw == after.raw
    assert len(before) > 0


def observables(events: EventBatch) -> dict[str, Floats]:
    """Five observables of e ν j j: momenta in GeV."""
    p4 = events.particles.p4
    electron, neutrino, one, two = (p4[:, i] for i in (2, 3, 4, 5))
    jets = one + two
    return {
        "pt_e": electron.pt.to_numpy(),
        "pt_nu": neutrino.pt.to_numpy(),
        "eta_e": electron.eta.to_numpy(),
        "m_jj": jets.mass.to_numpy(),
        "pt_jet": np.maximum(one.pt.to_numpy(), two.pt.to_numpy()),
    }


def excess_over_limit(
    weighted: EventBatch, unweighted: EventBatch, out: Floats, maximum: float, bins: int
) -> dict[str, float]:
    """χ² over its 99.99 % point for each observable, with the exact covariance of hit-or-miss.

    Event i is kept with p = min(1, |w|/M) and the weight w/p, so a bin's sum K has the mean W and
    the variance v = Σ w² (1 - p)/p. The file is scaled to Σ K = Σ W: the deviations K - W·ΣK/ΣW
    have, to first order, the covariance V - f vᵀ - v fᵀ + f fᵀ Σv with f = W/ΣW, of rank bins - 1.

    Args:
        weighted: the events before.
        unweighted: the events after.
        out: their weights, in any unit.
        maximum: M.
        bins: of each observable.
    """
    w = np.asarray(weighted.event["weight"], np.float64)
    p = np.minimum(np.abs(w) / maximum, 1.0)
    variance = w**2 * (1 - p) / p
    before, after = observables(weighted), observables(unweighted)
    found = {}
    for name, values in before.items():
        # Bins of equal expected numbers of kept events, so that each is nearly Gaussian.
        order = np.argsort(values)
        filled = np.cumsum(p[order]) / p.sum()
        edges = values[order][np.searchsorted(filled, np.arange(1, bins) / bins)]
        total = np.bincount(np.digitize(values, edges), w, bins)
        v = np.bincount(np.digitize(values, edges), variance, bins)
        f = total / total.sum()
        kept = np.bincount(np.digitize(after[name], edges), out, bins)
        deviation = kept / kept.sum() * total.sum() - total
        covariance = np.diag(v) - np.outer(f, v) - np.outer(v, f) + np.outer(f, f) * v.sum()
        chi2 = float(deviation @ np.linalg.pinv(covariance, rcond=1e-10) @ deviation)
        # Wilson and Hilferty's approximation of the 99.99 % point.
        k = 2 / (9 * (bins - 1))
        found[name] = chi2 / ((bins - 1) * (1 - k + 3.719 * math.sqrt(k)) ** 3)
    return found


@pytest.mark.parametrize(("share", "bins"), [(1e-3, 5), (0.1, 12)])
def test_unweighting_keeps_the_distributions_of_w_and_two_jets(
    share: float, bins: int, tmp_path: Path, wjj: Path
) -> None:
    target = tmp_path / "out.root"
    options = {"use": "rejection", "options": {"rule": "excess-share", "share": share}}
    report = unweight_file(wjj, target, 20261122, options)
    weighted, unweighted = read(wjj), read(target)
    weights = np.asarray(unweighted.event["weight"], np.float64)
    found = excess_over_limit(weighted, unweighted, weights, report.maximum_pb, bins)
    assert max(found.values()) < 1, found
    if share == 0.1:
        # The test can tell: without the excess of the overweights it fails.
        cut = np.minimum(weights, np.abs(weights).min())
        wrong = excess_over_limit(weighted, unweighted, cut, report.maximum_pb, bins)
        assert max(wrong.values()) > 1, wrong
