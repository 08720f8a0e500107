"""Cells: sums to the last digit, binned expectations within their errors, files and refusals."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from crosshook.core.cli import main
from crosshook.core.context import BuildContext
from crosshook.core.errors import InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import create_events, open_events
from crosshook.core.events.layout import PARTICLE_COLUMNS
from crosshook.core.events.run_info import ProcessInfo, RunInfo, WeightInfo
from crosshook.core.registry import default_registry
from crosshook.core.reweight import reweight_file

if TYPE_CHECKING:
    from crosshook.core.events.layout import FloatArray
    from crosshook.core.interfaces.event_reweighter import SurveyingReweighter

NEGATIVE = Path(__file__).parents[2] / "data" / "lhe" / "powheg_trijet_negw.lhe"
BEAM = 50.0
INFO = RunInfo(
    beams=(-11, 11),
    energies=(BEAM, BEAM),
    weighting=-4,
    processes=(ProcessInfo(1, 0.55, 0.05, 1.0),),
    weights=(WeightInfo("up"),),
)


def resampler(**options: object) -> SurveyingReweighter:
    built = default_registry().build(
        "event_reweighter", {"use": "cell-resampler", "options": options}, BuildContext()
    )
    return cast("SurveyingReweighter", built)


def pairs(cosine: FloatArray, azimuth: FloatArray, weight: FloatArray) -> EventBatch:
    """e+ e- → µ+ µ- in the frame of the beams."""
    n, sine = len(cosine), np.sqrt(1 - cosine**2)
    out = BEAM * np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine], axis=1)
    momenta = np.stack([out, -out], axis=1).reshape(2 * n, 3)
    particles = {name: np.zeros(2 * n) for name in PARTICLE_COLUMNS} | {
        "pdg_id": np.tile([-13, 13], n),
        "status": np.ones(2 * n),
        "e": np.full(2 * n, BEAM),
        **{name: momenta[:, i] for i, name in enumerate(("px", "py", "pz"))},
    }
    event = {
        "process_id": np.ones(n),
        "weight": weight,
        "scale": np.full(n, 2 * BEAM),
        "alpha_qed": np.full(n, 1 / 128.0),
        "alpha_qcd": np.full(n, 0.118),
    }
    return EventBatch.from_columns(INFO, np.full(n, 2), event, particles, 2 * weight[:, None])


def negative_part(cosine: FloatArray) -> FloatArray:
    """r(c): events beyond the expectation 1 + c², as many with +1 as with -1."""
    return np.asarray(0.2 + 0.4 * cosine**2)


def sample(seed: int, n: int) -> EventBatch:
    """Weights ±1 with the expectation 1 + c², flat in azimuth."""
    rng = np.random.default_rng(seed)
    cosine = rng.uniform(-1, 1, 4 * n)
    density = (1 + cosine**2) * (1 + 2 * negative_part(cosine))
    cosine = cosine[rng.uniform(0, 4.4, 4 * n) < density][:n]
    share = negative_part(cosine) / (1 + 2 * negative_part(cosine))
    weight = np.where(rng.uniform(size=len(cosine)) < share, -1.0, 1.0)
    return pairs(cosine, rng.uniform(-np.pi, np.pi, len(cosine)), weight)


def weights_after(batch: EventBatch, **options: object) -> tuple[FloatArray, dict[str, float]]:
    built = resampler(**options)
    built.declare(batch.info)
    figures = built.survey([batch])
    return built.factors(batch)[:, 0] * batch.event["weight"], dict(figures)


def test_one_cell_keeps_its_sum_to_the_last_digit() -> None:
    """-3 at the pole; the cell grows to the sum 0.1 + 1 + 2.5 - 3, and no further.

    Each new weight has two roundings and so has Σ: 5 ε of the sum, although Σ|w| is 11 times S.
    """
    weight = np.array([2.5, -3.0, 1.0, 0.1, 4.0, -0.0])
    cosine = np.array([0.80, 0.99, 0.90, 0.95, 0.20, -0.9])
    after, figures = weights_after(pairs(cosine, np.zeros(6), weight))
    assert after[4:].tolist() == [4.0, 0.0]
    before = math.fsum(weight[:4])
    assert math.fsum(after[:4]) == pytest.approx(before, rel=5 * np.finfo(np.float64).eps)
    np.testing.assert_allclose(after[:4], np.abs(weight[:4]) * before / 6.6, rtol=1e-15)
    assert (figures["cells"], figures["cell_size_median"]) == (1, 4)
    direction = np.array([np.sqrt(1 - cosine**2), cosine])
    apart = BEAM * (direction[:, 0] - direction[:, 1])
    radius = 2 * np.sqrt(apart @ apart + apart[0] ** 2)
    assert figures["cell_radius_largest"] == pytest.approx(radius, rel=1e-12)
    assert (figures["negative_in"], figures["negative_out"]) == (1 / 6, 0)


@pytest.mark.parametrize(
    "options", [{"largest_cell": 3}, {"largest_radius": 45.0}, {"largest_cell": 2}]
)
def test_a_cell_that_may_not_be_completed_changes_nothing(options: dict[str, object]) -> None:
    weight = np.array([2.5, -3.0, 1.0, 0.1, 4.0])
    batch = pairs(np.array([0.80, 0.99, 0.90, 0.95, 0.20]), np.zeros(5), weight)
    after, figures = weights_after(batch, **options)
    np.testing.assert_array_equal(after, weight)
    assert (figures["cells"], figures["negative_out"]) == (0, 0.2)


def test_binned_expectations_are_kept() -> None:
    """Ten bins of cosθ and eight of the azimuth in 20 samples against the closed form.

    Pulls are taken with the errors √Σw² of the samples as they were. Their squares add up to no
    more than χ² of their number allows (5σ), nor is any bin's mean off by 5σ/√20; what moved
    between bins is smaller than the error of each sample. All weights are positive, and Kish rises.
    """
    n, repeats = 3000, 20
    edges, angles = np.linspace(-1, 1, 11), np.linspace(-np.pi, np.pi, 9)
    # ∫(1 + c²)dc and ∫(1 + c²)(1 + 2 r)dc over the bins and over all.
    truth = np.diff(edges + edges**3 / 3) / 2 / (1.4 * 2 + 2.2 * 2 / 3 + 0.8 * 2 / 5) * 2
    whole = float(truth.sum())
    pulls, moved = [], []
    for seed in range(repeats):
        batch = sample(seed, n)
        before = np.asarray(batch.event["weight"], np.float64)
        after, figures = weights_after(batch)
        assert figures["negative_in"] > 0.15
        assert (after > 0).all()
        assert math.fsum(after) == pytest.approx(math.fsum(before), rel=1e-13)
        assert (before**2).sum() > 1.5 * (after**2).sum()
        px, py, pz = (batch.particle_columns[name][::2] for name in ("px", "py", "pz"))
        row_pulls, row_moved = [], []
        for x, bins, expected in (
            (pz / BEAM, edges, n * truth),
            (np.arctan2(py, px), angles, np.full(8, n * whole / 8)),
        ):
            old, _ = np.histogram(x, bins, weights=before)
            new, _ = np.histogram(x, bins, weights=after)
            error = np.sqrt(np.histogram(x, bins, weights=before**2)[0])
            row_pulls += ((new - expected) / error).tolist()
            row_moved += ((new - old) / error).tolist()
        pulls.append(row_pulls)
        moved.append(row_moved)
    found = np.array(pulls)
    assert (found**2).sum() < found.size + 5 * np.sqrt(2 * found.size)
    assert np.abs(found.mean(axis=0)).max() < 5 / np.sqrt(repeats)
    assert np.std(moved) < 0.5


def test_batches_and_copies() -> None:
    """Factors follow the event, whatever its batch; copies of an event share theirs."""
    batch = sample(5, 400)
    copied = EventBatch.concatenate([batch, batch[:7]])
    built = resampler(weight="even")
    assert [w.id for w in built.declare(INFO)] == ["even"]
    built.survey([copied[:100], copied[100:]])
    whole = built.factors(copied)
    np.testing.assert_array_equal(whole[:7], whole[400:])
    np.testing.assert_array_equal(built.factors(copied[50:60]), whole[50:60])
    weight = np.asarray(copied.event["weight"], np.float64)
    assert math.fsum(whole[:, 0] * weight) == pytest.approx(math.fsum(weight), rel=1e-12)
    with pytest.raises(InputError, match=r"event 3 of 4 is none of the 400"):
        built.factors(EventBatch.concatenate([batch[:2], sample(6, 2)]))
    assert built.survey([])["cells"] == 0


def test_refused(tmp_path: Path) -> None:
    batch = sample(7, 100)
    with pytest.raises(InputError, match=r"first 100 events take 3.*e-05 GB; memory allows 1e-05"):
        resampler(memory=1e-5).survey([batch])
    weight = np.array(batch.event["weight"], np.float64)
    weight[4] = np.nan
    with pytest.raises(InputError, match="event 5: weight nan is no finite number"):
        resampler().survey([replace(batch, event={**batch.event, "weight": weight})])
    pipe = tmp_path / "pipe.lhe"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="is a pipe, and this event reweighter needs its input"):
        reweight_file(pipe, tmp_path / "out.lhe", reweighter="cell-resampler")


def test_a_file(tmp_path: Path) -> None:
    """The new nominal weight is positive, the cross section stays, other weights are as before."""
    source, target = tmp_path / "in.lhe", tmp_path / "out.lhe.gz"
    batch = sample(8, 500)
    with create_events(source, INFO) as writer:
        writer.write(batch)
    report = reweight_file(source, target, reweighter="cell-resampler", nominal="resampled")
    with open_events(target) as stream:
        after = EventBatch.concatenate(list(stream))
    assert after.info.weight_ids == ("original", "resampled", "up")
    np.testing.assert_allclose(after.weight_column("original"), batch.event["weight"], rtol=1e-15)
    np.testing.assert_allclose(after.weight_column("up"), batch.weights[:, 0], rtol=1e-15)
    assert (np.asarray(after.event["weight"]) > 0).all()
    assert report.cross_section_out_pb == pytest.approx(report.cross_section_in_pb, rel=1e-13)
    assert report.survey["cells"] > 50
    assert (report.kish_out or 0) > 1.5 * (report.kish_in or 1)


def test_the_command_on_a_sample_of_negative_sum(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten events of POWHEG whose weights add up to less than nothing: no cell, and it is said so."""
    words = ["reweight", str(NEGATIVE), str(tmp_path / "out.lhe"), "--use", "cell-resampler"]
    main(words)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert {"cells 0", "negative in 0.3", "negative out 0.3"} <= set(lines)


def test_powheg_trijets(tmp_path: Path) -> None:
    """17 of 60 events are negative, none afterwards; the sum is kept."""
    folder = os.environ.get("CROSSHOOK_REFERENCE_DATA")
    if folder is None:
        pytest.skip("CROSSHOOK_REFERENCE_DATA is not set")
    source = Path(folder) / "lhe" / "dialects" / NEGATIVE.name
    report = reweight_file(source, tmp_path / "out.lhe", reweighter="cell-resampler")
    assert report.survey["negative_in"] == pytest.approx(17 / 60)
    assert report.survey["negative_out"] == 0
    assert report.added[0].mean_over_nominal == pytest.approx(1.0, rel=1e-12)
