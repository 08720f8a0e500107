"""Cross sections of selections, ranges and parts in every convention, against numbers by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from crosshook.core.convert import convert
from crosshook.core.cross_section import WeightSums, cross_section
from crosshook.core.errors import ConfigurationError, InputError, OutputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import create_events, open_events
from crosshook.core.events.layout import PARTICLE_COLUMNS
from crosshook.core.events.run_info import ProcessInfo, RunInfo, WeightInfo
from crosshook.core.fiducial import fiducial
from crosshook.core.inspect import inspect_file
from crosshook.core.survey import Survey

PROCESS = [1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2]
KEPT = [0, 3, 5, 9, 10]
"""Events that fulfil the condition: three of the eight of process 1, two of the four of 2."""
WHERE = "scale > 50"
EQUAL = [9.0] * 12
SIGNED = [9.0, 9.0, -9.0, -9.0, 9.0, 9.0, 9.0, 9.0, 9.0, -9.0, 9.0, 9.0]
WEIGHTED = [1.0, 7.0, 4.0, 2.5, -3.0, 8.0, 0.5, 6.0, 9.0, -2.0, 4.5, 5.5]
TRIALS = [3, 1, 1, 4, 2, 7, 1, 1, 2, 5, 3, 6]


def batch_of(
    weights: list[float], weighting: int, xsecup: list[tuple[float, float]], trials: bool = False
) -> EventBatch:
    """Twelve events of two particles, a further weight of half the nominal one."""
    n = len(weights)
    processes = tuple(ProcessInfo(i + 1, s, e, 9.0) for i, (s, e) in enumerate(xsecup))
    info = RunInfo(weighting=weighting, processes=processes, weights=(WeightInfo("half"),))
    event = {
        "process_id": PROCESS,
        "weight": weights,
        "scale": [91.2 if i in KEPT else 20.0 for i in range(n)],
        "alpha_qed": [0.0078] * n,
        "alpha_qcd": [0.118] * n,
        **({"trials": TRIALS} if trials else {}),
    }
    particles = {name: np.zeros(2 * n) for name in PARTICLE_COLUMNS}
    particles |= {"pdg_id": np.full(2 * n, 21), "status": np.full(2 * n, 1)}
    table = 0.5 * np.array(weights)[:, None]
    return EventBatch.from_columns(info, np.full(n, 2), event, particles, table)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "in.lhe"


def written(batch: EventBatch, path: Path) -> Path:
    with create_events(path, batch.info) as writer:
        writer.write(batch)
    return path


def read(path: Path) -> EventBatch:
    with open_events(path) as stream:
        return EventBatch.concatenate(list(stream))


@dataclass(frozen=True)
class Convention:
    """A file's weights and init block, what it stands for, and what is left of it."""

    weights: list[float]
    weighting: int
    xsecup: list[tuple[float, float]]
    rule: str
    sigma: float
    selected: float
    processes: tuple[float, float]
    factor: float
    """Of the weights of selected events."""
    weighting_out: int
    trials: bool = False


SUM = sum(WEIGHTED)
SELECTED = sum(WEIGHTED[i] for i in KEPT)
FIRST, SECOND = (sum(WEIGHTED[i] for i in KEPT if PROCESS[i] == p) for p in (1, 2))
ALL_TRIALS = sum(TRIALS)
SIGMA = [(6.0, 0.3), (3.0, 0.4)]

CONVENTIONS = {
    "-4, one weight": Convention(
        EQUAL, -4, SIGMA, "average", 9.0, 9.0 * 5 / 12, (9.0 * 3 / 12, 9.0 * 2 / 12), 5 / 12, -4
    ),
    "4, weighted, XSECUP missing": Convention(
        WEIGHTED, 4, [(-1.0, -1.0), (-1.0, -1.0)], "average", SUM / 12, SELECTED / 12,
        (FIRST / 12, SECOND / 12), 5 / 12, 4,
    ),
    "1, one weight": Convention(
        EQUAL, 1, SIGMA, "average", 9.0, 9.0 * 5 / 12, (9.0 * 3 / 12, 9.0 * 2 / 12), 5 / 12, 1
    ),
    "-4, by sum": Convention(
        [w / 12 for w in WEIGHTED], -4, [(SUM / 12 - 1.0, 0.01), (1.0, 0.01)], "sum", SUM / 12,
        SELECTED / 12, (FIRST / 12, SECOND / 12), 5.0, -4,
    ),
    "3, unit weights": Convention(
        [1.0] * 12, 3, SIGMA, "xsecup", 9.0, 6.0 * 3 / 8 + 3.0 * 2 / 4, (6.0 * 3 / 8, 3.0 * 2 / 4),
        1.0, 3,
    ),
    # process 1: 6 of 8 positive, of those kept 2 of 3; process 2: 3 of 4, kept 1 of 2
    "-3, signs": Convention(
        [w / 9 for w in SIGNED], -3, SIGMA, "xsecup", 6.0 * 4 / 8 + 3.0 * 2 / 4,
        6.0 * 3 / 8 / 3 + 0.0, (6.0 * 3 / 8, 3.0 * 2 / 4), 1.0, -3,
    ),
    "2, any unit": Convention(
        WEIGHTED, 2, SIGMA, "xsecup", 9.0,
        6.0 * FIRST / sum(WEIGHTED[:8]) + 3.0 * SECOND / sum(WEIGHTED[8:]),
        (6.0 * FIRST / sum(WEIGHTED[:8]), 3.0 * SECOND / sum(WEIGHTED[8:])), 1.0, 2,
    ),
    "Sherpa's trials": Convention(
        WEIGHTED, 3, [(1.0, 1.0)], "trials", SUM / ALL_TRIALS, SELECTED / ALL_TRIALS,
        (FIRST / ALL_TRIALS, SECOND / ALL_TRIALS), 1.0, 3, trials=True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONVENTIONS)
@pytest.mark.parametrize("ending", ["lhe", "root"])
def test_selected_events_have_the_fiducial_cross_section(
    name: str, ending: str, source: Path, tmp_path: Path
) -> None:
    c = CONVENTIONS[name]
    batch = batch_of(c.weights, c.weighting, c.xsecup, c.trials)
    assert inspect_file(written(batch, source)).rule == c.rule
    target = tmp_path / f"out.{ending}"
    report = convert(source, target, where=WHERE)
    assert (report.events, report.inputs[0].events, report.inputs[0].selected) == (5, 12, 5)
    assert report.inputs[0].cross_section_pb == pytest.approx(c.sigma, rel=1e-12)
    assert report.cross_section_pb == pytest.approx(c.selected, rel=1e-12)
    found, events = inspect_file(target), read(target)
    assert found.cross_section_pb == pytest.approx(c.selected, rel=1e-12)
    assert (found.weighting, found.rule) == (
        c.weighting_out,
        "average" if c.rule == "sum" else c.rule,
    )
    xsecup = [p.xsecup_pb for p in found.processes]
    assert xsecup == pytest.approx(c.processes, rel=1e-12)
    expected = np.array([c.weights[i] for i in KEPT]) * c.factor
    np.testing.assert_allclose(events.event["weight"], expected, rtol=1e-14)
    np.testing.assert_allclose(events.weights[:, 0], expected / 2, rtol=1e-14)
    assert found.trials == (ALL_TRIALS if c.trials else None)
    (note,) = (text for tag, text in events.info.header.items() if tag == "crosshook_convert")
    assert note.startswith("\n5 of 12 events, where scale &gt; 50\n")
    # selecting everything from that changes nothing any more
    again = convert(target, tmp_path / f"again.{ending}", where="scale > 0")
    assert again.cross_section_pb == pytest.approx(c.selected, rel=1e-12)
    same = read(tmp_path / f"again.{ending}")
    np.testing.assert_array_equal(same.event["weight"], events.event["weight"])


@pytest.mark.parametrize("name", CONVENTIONS)
def test_parts_of_a_file_have_its_cross_section(name: str, source: Path, tmp_path: Path) -> None:
    """σ of a part fluctuates with its events where weights do; together they are exact."""
    c = CONVENTIONS[name]
    written(batch_of(c.weights, c.weighting, c.xsecup, c.trials), source)
    report = convert(source, tmp_path / "part.lhe.gz", split=5)
    names = [tmp_path / f"part-{i}.lhe.gz" for i in (1, 2, 3)]
    assert [(o.file, o.events) for o in report.outputs] == [
        (str(path), n) for path, n in zip(names, (5, 5, 2), strict=True)
    ]
    assert report.cross_section_pb == pytest.approx(c.sigma, rel=1e-12)
    whole = np.concatenate([read(path).event["weight"] for path in names])
    mean = c.rule in ("average", "sum")
    np.testing.assert_allclose(whole, np.array(c.weights) * (12 if c.rule == "sum" else 1))
    if mean:
        assert whole.mean() == pytest.approx(c.sigma, rel=1e-12)
    for i, path in enumerate(names):
        found = inspect_file(path)
        rows = slice(5 * i, 5 * i + 5)
        own = {
            "average": np.mean(c.weights[rows]),
            "sum": np.mean(c.weights[rows]) * 12,
            "trials": np.sum(c.weights[rows]) / np.sum(TRIALS[rows]),
            "xsecup": c.sigma,
        }[c.rule]
        if c.weighting != -3:  # whose σ depends on the signs of the part
            assert found.cross_section_pb == pytest.approx(own, rel=1e-12), path
        total = sum(p.xsecup_pb or 0.0 for p in found.processes)
        absolute = 9.0 if c.weighting == -3 else c.sigma
        assert total == pytest.approx(absolute, rel=1e-12)


def test_a_range_keeps_the_init_block(source: Path, tmp_path: Path) -> None:
    batch = batch_of(EQUAL, -4, SIGMA)
    written(batch, source)
    report = convert(source, tmp_path / "out.lhe", events="2:7")
    events = read(tmp_path / "out.lhe")
    assert events.info.processes == batch.info.processes
    np.testing.assert_array_equal(events.event["process_id"], PROCESS[2:7])
    assert (report.events, report.cross_section_pb) == (5, 9.0)
    report = convert(source, tmp_path / "both.lhe", events=slice(2, 7), where=WHERE)
    assert (report.events, report.cross_section_pb) == (2, pytest.approx(9.0 * 2 / 5, rel=1e-14))


def test_merging_selections_is_selecting_from_the_merged(tmp_path: Path, source: Path) -> None:
    other = tmp_path / "other.lhe"
    batch = batch_of(EQUAL, -4, SIGMA)
    written(batch, source)
    written(batch[:7], other)
    both, merged = tmp_path / "both.lhe", tmp_path / "merged.lhe"
    report = convert([source, other], both, where=WHERE)
    convert([source, other], merged)
    later = convert(merged, tmp_path / "later.lhe", where=WHERE)
    assert report.cross_section_pb == pytest.approx(9.0 * 8 / 19, rel=1e-14)
    assert later.cross_section_pb == pytest.approx(9.0 * 8 / 19, rel=1e-14)
    np.testing.assert_allclose(read(both).event["weight"], 9.0 * 8 / 19, rtol=1e-14)
    added = convert([source, other], tmp_path / "sum.lhe", combine="sum", where=WHERE)
    assert added.cross_section_pb == pytest.approx(9.0 * 5 / 12 + 9.0 * 3 / 7, rel=1e-14)
    assert inspect_file(tmp_path / "sum.lhe").cross_section_pb == pytest.approx(
        added.cross_section_pb, rel=1e-14
    )


def test_merged_selections_of_trials(tmp_path: Path, source: Path) -> None:
    batch = batch_of(WEIGHTED, 3, [(1.0, 1.0)], trials=True)
    written(batch[:6], source)
    other = written(batch[6:], tmp_path / "other.lhe")
    report = convert([source, other], tmp_path / "out.lhe", where=WHERE)
    assert report.rule == "trials"
    assert report.cross_section_pb == pytest.approx(SELECTED / ALL_TRIALS, rel=1e-14)
    xsecup = sum(p.xsecup_pb or 0 for p in inspect_file(tmp_path / "out.lhe").processes)
    assert xsecup == pytest.approx(SELECTED / ALL_TRIALS, rel=1e-14)


def test_nothing_selected(tmp_path: Path, source: Path) -> None:
    written(batch_of(EQUAL, -4, SIGMA), source)
    for split in (None, 3):
        report = convert(source, tmp_path / "out.lhe", where="n > 9", split=split)
        assert (report.events, report.cross_section_pb, len(report.outputs)) == (0, 0.0, 1)
    assert inspect_file(tmp_path / "out-1.lhe").events == 0


def test_refused(tmp_path: Path, source: Path) -> None:
    written(batch_of(EQUAL, -4, SIGMA), source)
    out = tmp_path / "out.lhe"
    with pytest.raises(ConfigurationError, match=r"^--where: 'n >': not an expression"):
        convert(source, out, where="n >")
    with pytest.raises(ConfigurationError, match="taken from one file"):
        convert([source, source], out, events="1:2")
    with pytest.raises(ConfigurationError, match="at least 1"):
        convert(source, out, split=0)
    with pytest.raises(InputError, match="the events have no trials"):
        convert(source, out, where="trials > 1")
    with pytest.raises(InputError, match="is a pipe"):
        convert("-", out, where="n > 1")
    with pytest.raises(OutputError, match="no event format has this extension"):
        convert(source, tmp_path / "out.txt", split=3)
    (tmp_path / "out-3.lhe").write_text("precious")
    with pytest.raises(OutputError, match=r"out-3\.lhe: exists already"):
        convert(source, out, split=5)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.lhe", "out-3.lhe"]


@pytest.mark.parametrize("known", [False, True])
def test_errors_of_fiducial_cross_sections(known: bool) -> None:
    """Pulls of many samples whose σ_fid is known; σ of the file measured by it, or beforehand."""
    rng = np.random.default_rng(20261122)
    samples, n = 400, 500
    pulls = []
    for _ in range(samples):
        weight = rng.exponential(3.0, n)
        passing = rng.random(n) < np.exp(-weight / 3.0)  # heavy events pass less often
        sigma, error = 3.0, 0.05
        if known:  # the sample is scaled to a σ measured elsewhere
            sigma = rng.normal(3.0, error)
            weight *= sigma / weight.mean()
        xsecup = (ProcessInfo(1, sigma, error, 1.0),) if known else ()
        info = RunInfo(weighting=-4, processes=xsecup)
        found = []
        for rows in (np.ones(n, np.bool_), passing):
            sums = WeightSums()
            sums.add(_bare(weight[rows], info))
            found.append(sums)
        every, kept = found
        result = fiducial(
            Survey(Path("x"), info, every, cross_section(info, every), every, kept, ())
        )
        # ∫ w exp(-w/3) p(w) dw with p exponential of mean 3: 3/4
        pulls.append((result.value - 0.75) / result.error)
    # the mean of 400 unit pulls to 5/√400, their spread to 5/√800
    assert abs(np.mean(pulls)) < 5 / math.sqrt(samples)
    assert abs(np.std(pulls) - 1) < 5 / math.sqrt(2 * samples)


def _bare(weight: np.ndarray, info: RunInfo) -> EventBatch:  # type: ignore[type-arg]
    n = len(weight)
    ones = np.ones(n)
    event = {"weight": weight} | {
        name: ones for name in ("process_id", "scale", "alpha_qed", "alpha_qcd")
    }
    particles = {name: np.zeros(0) for name in PARTICLE_COLUMNS}
    return EventBatch.from_columns(info, np.zeros(n, np.int64), event, particles)
