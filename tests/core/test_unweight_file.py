"""Unweighting files: expectation exact event by event, σ conserved, the accounting adds up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError, InputError, OutputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import create_events, open_events
from crosshook.core.events.layout import PARTICLE_COLUMNS
from crosshook.core.events.run_info import ProcessInfo, RunInfo, WeightInfo
from crosshook.core.inspect import inspect_file
from crosshook.core.interfaces.unweighter import Pilot
from crosshook.core.registry import default_registry
from crosshook.core.unweight import KnownWeights, unweight_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

DATA = Path(__file__).parents[1] / "data" / "lhe"
SEED = 20261122


def weights_of(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Weights over four decades, some negative, some zero."""
    size = np.exp(rng.normal(0.0, 2.0, n))
    return size * rng.choice([1.0, -1.0, 0.0], n, p=[0.85, 0.1, 0.05])


def weighted_file(path: Path, n: int = 12_000) -> EventBatch:
    """Events that carry their number as scale, with trials and a further weight."""
    rng = np.random.default_rng(SEED)
    w = weights_of(n, rng)
    info = RunInfo(
        weighting=-4,
        processes=(ProcessInfo(3, 1.0, 1.0, 1.0), ProcessInfo(9, 1.0, 1.0, 1.0)),
        weights=(WeightInfo("up"),),
    )
    event = {
        "process_id": np.where(rng.random(n) < 0.7, 3, 9),
        "weight": w,
        "scale": np.arange(n) + 1.0,
        "alpha_qed": np.full(n, 0.0078),
        "alpha_qcd": np.full(n, 0.118),
        "trials": rng.integers(1, 7, n),
    }
    particles = {name: np.zeros(n) for name in PARTICLE_COLUMNS}
    up = (w * rng.uniform(0.5, 1.5, n))[:, None]
    batch = EventBatch.from_columns(info, np.ones(n, np.int64), event, particles, up)
    with create_events(path, info) as writer:
        writer.write(batch)
    return batch


def read(path: Path) -> tuple[RunInfo, EventBatch]:
    with open_events(path) as stream:
        return stream.info, EventBatch.concatenate(list(stream))


@pytest.mark.parametrize("rule", ["maximum", "carried-share", "excess-share", "bootstrap-median"])
def test_expectation_is_the_weight(rule: str) -> None:
    """Σ over outcomes of P·weight_out = weight_in, with P read off the unweighter itself."""
    w = torch.from_numpy(weights_of(2000, np.random.default_rng(SEED)))
    slot = Slot("rejection", {"rule": rule, "share": 0.05})
    unweighter = default_registry().build("unweighter", slot, BuildContext())
    zeros = torch.zeros(len(w), dtype=torch.int64)
    unweighter.fit(Pilot(w, zeros, 1), torch.Generator().manual_seed(SEED))  # type: ignore[attr-defined]
    maximum = float(unweighter.maxima()[0])  # type: ignore[attr-defined]
    probability = torch.clamp(w.abs() / maximum, max=1.0)
    candidates = KnownWeights(w)

    def kept_at(u: torch.Tensor) -> tuple[set[int], dict[int, float]]:
        kept = unweighter.unweight(candidates, u[:, None])  # type: ignore[attr-defined]
        rows = kept.index.tolist()
        return set(rows), dict(zip(rows, kept.factor.tolist(), strict=True))

    # Just below the edge an event is kept, just above it is not: the edge is its probability.
    below, factors = kept_at(torch.clamp(probability * (1 - 1e-13), max=1 - 2**-53))
    above, _ = kept_at(torch.clamp(probability * (1 + 1e-13), max=1 - 2**-53))
    for i in range(len(w)):
        p = float(probability[i])
        assert (i in below) == (p > 0)
        assert (i in above) == (p == 1)
        if p:
            assert p * factors[i] * float(w[i]) == pytest.approx(float(w[i]), rel=1e-12)


@pytest.mark.parametrize("ending", [".root", ".lhe.gz"])
def test_accounting(tmp_path: Path, ending: str) -> None:
    source, target = tmp_path / f"in{ending}", tmp_path / f"out{ending}"
    events = weighted_file(source)
    w, trials = events.event["weight"], float(events.event["trials"].sum())
    options = {"use": "rejection", "options": {"rule": "excess-share", "share": 0.01}}
    report = unweight_file(source, target, SEED, options)
    info, out = read(target)
    sigma = float(w.sum()) / trials
    error = np.sqrt((np.sum(w**2) / trials - sigma**2) / (trials - 1))

    assert report.rule_in == "trials"
    assert report.cross_section_in_pb == pytest.approx(sigma, rel=1e-12)
    assert report.cross_section_in_error_pb == pytest.approx(error, rel=1e-12)
    assert out.event["weight"].mean() == pytest.approx(sigma, rel=1e-12)
    assert sum(p.cross_section for p in info.processes) == pytest.approx(sigma, rel=1e-12)
    assert np.hypot(*[p.error for p in info.processes]) == pytest.approx(error, rel=1e-12)
    assert {p.maximum for p in info.processes} == {np.abs(out.event["weight"]).max()}
    assert (info.weighting, "trials" in out.event) == (-4, False)
    inspected = inspect_file(target)
    assert inspected.cross_section_pb == pytest.approx(sigma, rel=1e-12)
    assert inspected.cross_section_error_pb == pytest.approx(error, rel=1e-12)

    # By definition: the share of Σ|w| above the maximum is what was asked for.
    size = np.abs(w)
    excess = np.maximum(size - report.maximum_pb, 0).sum()
    assert excess == pytest.approx(0.01 * size.sum(), rel=1e-9)
    efficient = np.minimum(size, report.maximum_pb).sum() / report.maximum_pb
    assert report.efficiency == pytest.approx(efficient / trials, rel=1e-12)
    assert report.efficiency_events == pytest.approx(efficient / len(w), rel=1e-12)
    assert (report.events_in, report.points_in, report.events_out) == (len(w), trials, len(out))
    assert report.overweights == int(np.count_nonzero(size > report.maximum_pb))

    # Row by row: one factor for every weight, the common weight unless it is an overweight.
    rows = out.event["scale"].astype(int) - 1
    assert (np.diff(rows) > 0).all()
    factor = out.event["weight"] / w[rows]
    assert (factor > 0).all()
    np.testing.assert_allclose(out.weights[:, 0], events.weights[rows, 0] * factor, rtol=1e-14)
    common = np.abs(out.event["weight"]).min()
    expected = common * np.maximum(size[rows] / report.maximum_pb, 1.0)
    np.testing.assert_allclose(np.abs(out.event["weight"]), expected, rtol=1e-12)
    assert report.negative_fraction_out == np.mean(out.event["weight"] < 0) > 0
    assert report.kish_out == pytest.approx(inspected.kish, rel=1e-12)
    # The number kept is binomial with known probabilities: 5 standard deviations.
    p = np.minimum(size / report.maximum_pb, 1.0)
    assert abs(len(out) - p.sum()) < 5 * np.sqrt((p * (1 - p)).sum())


def test_same_seed_same_file_other_seed_other_file(tmp_path: Path) -> None:
    source = tmp_path / "in.root"
    weighted_file(source)
    for name, seed in (("a.lhe.gz", 1), ("b.lhe.gz", 1), ("c.lhe.gz", 2)):
        unweight_file(source, tmp_path / name, seed)
    assert (tmp_path / "a.lhe.gz").read_bytes() == (tmp_path / "b.lhe.gz").read_bytes()
    assert (tmp_path / "a.lhe.gz").read_bytes() != (tmp_path / "c.lhe.gz").read_bytes()


def test_the_file_format_does_not_matter(tmp_path: Path) -> None:
    sources = [tmp_path / "in.root", tmp_path / "in.lhe"]
    results = []
    for source in sources:
        weighted_file(source)
        unweight_file(source, tmp_path / f"{source.name}.out.root", SEED)
        results.append(read(tmp_path / f"{source.name}.out.root")[1].event)
    for name, column in results[0].items():
        np.testing.assert_array_equal(column, results[1][name])


def test_what_cannot_be_unweighted(tmp_path: Path) -> None:
    source = DATA / "sherpa_wjj.lhe.gz"
    out = tmp_path / "out.lhe"
    with pytest.raises(InputError, match="nothing to unweight: 0 events"):
        unweight_file(DATA / "jhugen_noevents.lhe", out, 1)
    with pytest.raises(OutputError, match="no event format has this extension"):
        unweight_file(source, tmp_path / "out.csv", 1)
    with pytest.raises(ConfigurationError, match="rule"):
        unweight_file(source, out, 1, {"use": "rejection", "options": {"rule": "biggest"}})
    zeros = tmp_path / "zeros.lhe"
    with open_events(source) as stream:
        batch = next(iter(stream)).with_weights(0.0)
        with create_events(zeros, stream.info) as writer:
            writer.write(batch)
    with pytest.raises(InputError, match="nothing to unweight: 40 events"):
        unweight_file(zeros, out, 1)
    broken = tmp_path / "broken.lhe.gz"
    broken.write_bytes(source.read_bytes()[:-9])
    with pytest.raises(InputError, match="truncated"):
        unweight_file(broken, out, 1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["broken.lhe.gz", "zeros.lhe"]
    out.write_text("precious")
    with pytest.raises(OutputError, match="exists already"):
        unweight_file(source, out, 1)
    with pytest.raises(OutputError, match="is the input itself"):
        unweight_file(zeros, zeros, 1, overwrite=True)
    with pytest.raises(InputError, match="is a pipe"):
        unweight_file(Path("-"), out, 1, overwrite=True)
    unweight_file(source, out, 1, overwrite=True)
    assert inspect_file(out).rule == "average"


def test_unit_weight_events_stay(tmp_path: Path) -> None:
    """IDWTUP 3 files hold weights in no unit; what comes out is in pb."""
    source = DATA / "mg5_2.2.1_Z_mlm.lhe"
    report = unweight_file(
        source, tmp_path / "out.lhe", 1, {"use": "rejection", "options": {"rule": "maximum"}}
    )
    info, out = read(tmp_path / "out.lhe")
    assert report.events_out == report.events_in == 4
    assert out.event["weight"].mean() == pytest.approx(3750.83600382, rel=1e-12)
    assert replace(info, weighting=3).pdf_sets == (10800, 10800)


def small_file(path: Path, weights: list[float]) -> None:
    """Events of one particle with the given weights."""
    n = len(weights)
    info = RunInfo(weighting=-4, processes=(ProcessInfo(1, 0.05, 0.01, 1.0),))
    event = {
        "process_id": np.ones(n, np.int64),
        "weight": np.array(weights),
        "scale": np.ones(n),
        "alpha_qed": np.ones(n),
        "alpha_qcd": np.ones(n),
    }
    particles = {name: np.zeros(n) for name in PARTICLE_COLUMNS}
    with create_events(path, info) as writer:
        writer.write(EventBatch.from_columns(info, np.ones(n, np.int64), event, particles))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_named(tmp_path: Path, bad: float) -> None:
    source = tmp_path / "in.root"
    small_file(source, [1.0, 2.0, bad, bad])
    with pytest.raises(InputError, match=rf"2 of 4 events have NaN .*: event 3, weight {bad}"):
        unweight_file(source, tmp_path / "out.root", 1)
    assert not (tmp_path / "out.root").exists()


def test_signs_are_never_turned_round(tmp_path: Path) -> None:
    """Where chance keeps too few positive events, no scale conserves σ > 0: an error says so."""
    source, out = tmp_path / "in.root", tmp_path / "out.root"
    small_file(source, [0.4, 0.4, 0.4, -1.0])
    failed = 0
    for seed in range(20):
        try:
            unweight_file(source, out, seed, Slot("rejection", {"rule": "maximum"}), True)
        except InputError as error:
            assert "no positive scale conserves it" in str(error)  # noqa: PT017
            failed += 1
        else:
            weight = read(out)[1].event["weight"]
            assert weight.mean() == pytest.approx(0.05, rel=1e-12)
            assert weight[-1] < 0 < weight[0]
    # One positive event or none of three, each kept with probability 0.4: 65 %.
    assert 5 <= failed <= 19
