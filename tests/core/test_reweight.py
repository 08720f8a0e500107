"""Another nominal weight in every convention, and weights that are added."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.core.errors import ConfigurationError, InputError, NumericalError, OutputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import create_events, open_events
from crosshook.core.events.layout import PARTICLE_COLUMNS
from crosshook.core.events.run_info import ProcessInfo, RunInfo, WeightInfo
from crosshook.core.execute import SerialExecutor
from crosshook.core.inspect import inspect_file
from crosshook.core.reweight import reweight_file

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA = Path(__file__).parents[1] / "data" / "lhe"
TTW = DATA / "madgraph_pp_ttW.lhe.gz"
WEIGHTS = [2.0, 4.0, -1.0, 3.0]
OTHER = [1.0, 5.0, 2.0, -2.0]
TRIALS = [1, 4, 2, 3]
PROCESS = [1, 1, 2, 2]


def batch_of(weighting: int, weights: list[float], xsecup: float, trials: bool) -> EventBatch:
    info = RunInfo(
        weighting=weighting,
        processes=(ProcessInfo(1, xsecup, 0.1, 4.0), ProcessInfo(2, 1.0, 0.1, 4.0)),
        weights=(WeightInfo("up"), WeightInfo("down")),
    )
    n = len(weights)
    event = {
        "process_id": PROCESS,
        "weight": weights,
        "scale": [91.2] * n,
        "alpha_qed": [0.0078] * n,
        "alpha_qcd": [0.118] * n,
        **({"trials": TRIALS} if trials else {}),
    }
    table = np.array([OTHER, weights]).T
    particles = {name: np.zeros(0) for name in PARTICLE_COLUMNS}
    return EventBatch.from_columns(info, np.zeros(n, np.int64), event, particles, table)


def written(batch: EventBatch, path: Path) -> Path:
    with create_events(path, batch.info) as writer:
        writer.write(batch)
    return path


def read(path: Path) -> EventBatch:
    with open_events(path) as stream:
        return EventBatch.concatenate(list(stream))


@pytest.mark.parametrize(
    ("weighting", "weights", "xsecup", "trials", "rule", "sigma", "factor"),
    [
        (-4, WEIGHTS, 1.0, False, "average", 2.0, 1.0),
        (4, WEIGHTS, 7.0, False, "sum", 8.0, 4.0),
        (3, [1.0, 1.0, 1.0, 1.0], 5.0, False, "xsecup", 6.0, 6.0),
        (-3, [1.0, 1.0, -1.0, 1.0], 5.0, False, "xsecup", 5.0, 10.0),  # 2 of 4, so 1.0 counts 0
        (3, WEIGHTS, 1.0, True, "trials", 0.8, 0.4),
    ],
)
@pytest.mark.parametrize("ending", ["lhe", "root"])
def test_another_nominal_weight(
    weighting: int,
    weights: list[float],
    xsecup: float,
    trials: bool,
    rule: str,
    sigma: float,
    factor: float,
    ending: str,
    tmp_path: Path,
) -> None:
    """σ' = σ Σw'/Σw, and it is the mean of the new weights."""
    source = written(batch_of(weighting, weights, xsecup, trials), tmp_path / "in.lhe")
    target = tmp_path / f"out.{ending}"
    report = reweight_file(source, target, nominal="up")
    assert (report.rule_in, report.cross_section_in_pb) == (rule, pytest.approx(sigma))
    expected = sigma * sum(OTHER) / sum(weights)
    found, events = inspect_file(target), read(target)
    for value in (report.cross_section_out_pb, found.cross_section_pb):
        assert value == pytest.approx(expected, rel=1e-14)
    assert (found.rule, found.weighting, found.trials) == ("average", -4, None)
    assert found.weights == ("original", "up", "down")
    xsecup_out = [p.xsecup_pb for p in found.processes]
    shares = [expected * (OTHER[i] + OTHER[i + 1]) / sum(OTHER) for i in (0, 2)]
    assert xsecup_out[0] == pytest.approx(shares[0], rel=1e-14)
    assert sum(p or 0 for p in xsecup_out) == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(events.event["weight"], np.array(OTHER) * factor, rtol=1e-15)
    for name, values in (("original", weights), ("up", OTHER), ("down", weights)):
        wanted = np.array(values) * factor
        np.testing.assert_allclose(events.weight_column(name), wanted, rtol=1e-15)
    assert events.info.processes[0].maximum == pytest.approx(5.0 * factor, rel=1e-14)


def test_there_and_back(tmp_path: Path) -> None:
    """The old nominal weight made nominal again gives the old file but for what is added."""
    before, there, back = read(TTW), tmp_path / "there.lhe", tmp_path / "back.lhe"
    report = reweight_file(TTW, there, nominal="rwgt_3")
    assert report.cross_section_out_pb == pytest.approx(
        before.weight_column("rwgt_3").mean(), rel=1e-14
    )
    second = reweight_file(there, back, nominal="original", original="third")
    assert second.cross_section_out_pb == pytest.approx(report.cross_section_in_pb, rel=1e-14)
    after = read(back)
    np.testing.assert_array_equal(after.event["weight"], before.event["weight"])
    assert after.info.weight_ids == ("third", "original", *before.info.weight_ids)
    np.testing.assert_array_equal(after.weights[:, 2:], before.weights)
    assert after.raw == before.raw
    assert [tag for tag in after.info.header if tag.startswith("crosshook")] == [
        "crosshook_reweight",
        "crosshook_reweight ",
    ]


def expressions(**weights: str) -> Mapping[str, object]:
    return {"use": "expression", "options": {"weights": weights}}


def test_weights_by_expression(tmp_path: Path) -> None:
    target = tmp_path / "out.lhe.gz"
    slot = expressions(soft="exp(-pt[hardest[0]]/100)", ratio="weight['rwgt_2'] / weight")
    report = reweight_file(TTW, target, reweighter=slot)
    before, after = read(TTW), read(target)
    assert after.info.weight_ids == ("soft", "ratio", *before.info.weight_ids)
    np.testing.assert_array_equal(after.event["weight"], before.event["weight"])
    np.testing.assert_allclose(
        after.weight_column("ratio"), before.weight_column("rwgt_2"), rtol=1e-15
    )
    p4 = before.particles[before.particles.status == 1].p4
    hardest = np.array([max(event.pt.tolist()) for event in p4])
    expected = before.event["weight"] * np.exp(-hardest / 100)
    np.testing.assert_allclose(after.weight_column("soft"), expected, rtol=1e-12)
    assert report.cross_section_out_pb == report.cross_section_in_pb
    assert after.info.processes == before.info.processes
    soft = report.added[0]
    assert (soft.id, soft.mean_over_nominal) == (
        "soft",
        pytest.approx(expected.sum() / before.event["weight"].sum(), rel=1e-12),
    )
    both = tmp_path / "both.lhe"
    report = reweight_file(TTW, both, reweighter=slot, nominal="soft")
    np.testing.assert_allclose(read(both).event["weight"], expected, rtol=1e-12)
    assert inspect_file(both).cross_section_pb == pytest.approx(expected.mean(), rel=1e-12)


@pytest.mark.parametrize("nominal", [None, "soft"])
def test_workers_give_the_same_file(tmp_path: Path, nominal: str | None) -> None:
    slot = expressions(soft="exp(-pt[hardest[0]]/100)", ratio="weight['rwgt_2'] / weight")
    alone, by_tasks = tmp_path / "alone.lhe", tmp_path / "tasks.lhe"
    expected = reweight_file(TTW, alone, reweighter=slot, nominal=nominal)
    found = reweight_file(
        TTW, by_tasks, reweighter=slot, nominal=nominal, executor=SerialExecutor()
    )
    assert replace(found, output="") == replace(expected, output="")
    assert by_tasks.read_bytes() == alone.read_bytes()
    assert {file.name for file in tmp_path.iterdir()} == {"alone.lhe", "tasks.lhe"}


def test_nothing_for_workers(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="exchanging weights is reading alone"):
        reweight_file(TTW, tmp_path / "out.lhe", nominal="rwgt_2", workers=2)
    with pytest.raises(ConfigurationError, match="cell-resampler looks at all events"):
        reweight_file(TTW, tmp_path / "out.lhe", reweighter="cell-resampler", workers=2)
    with pytest.raises(ConfigurationError, match="its executor alone"):
        reweight_file(
            TTW, tmp_path / "out.lhe", reweighter=expressions(k="1"), settings=("seed=1",)
        )
    assert not list(tmp_path.iterdir())


def test_weights_that_only_later_events_bring(tmp_path: Path) -> None:
    """Columns may grow while a file is read; added ones stay in their place."""
    source = tmp_path / "in.lhe"
    written(batch_of(-4, WEIGHTS, 1.0, trials=False), source)
    text = source.read_text()
    place = text.rindex("</rwgt>")
    source.write_text(text[:place] + "<wgt id='late'> 7.5 </wgt>\n" + text[place:])
    for ending in ("lhe", "root", "parquet"):
        target = tmp_path / f"out.{ending}"
        reweight_file(source, target, reweighter=expressions(twice="2"), overwrite=True)
        events = read(target)
        assert events.info.weight_ids == ("twice", "up", "down", "late")
        np.testing.assert_array_equal(events.weight_column("twice"), 2 * np.array(WEIGHTS))
        assert events.present is not None
        assert events.present[:, 3].tolist() == [False, False, False, True]
    with pytest.raises(InputError, match="weight 'late' is absent in 3 of 4 events"):
        reweight_file(source, tmp_path / "late.lhe", nominal="late")


def test_refused(tmp_path: Path) -> None:
    out = tmp_path / "out.lhe"
    cases: list[tuple[type[Exception], str, dict[str, object]]] = [
        (ConfigurationError, "nothing to do", {}),
        (InputError, r"no weight 'rwgt_99'; the file has rwgt_1, rwgt_2", {"nominal": "rwgt_99"}),
        (ConfigurationError, "cannot be kept as 'rwgt_1'",
         {"nominal": "rwgt_2", "original": "rwgt_1"}),
        (ConfigurationError, "has a weight 'rwgt_1' already",
         {"reweighter": expressions(rwgt_1="1")}),
        (ConfigurationError, r"weights\.k: 'pt\[0\] > 1': a condition",
         {"reweighter": expressions(k="pt[0] > 1")}),
        (NumericalError, r"ttW\.lhe\.gz: event 1: factor nan for the weight 'k'",
         {"reweighter": expressions(k="pt[99]")}),
        (NumericalError, r"event 1: factor inf for the weight 'k'",
         {"reweighter": expressions(k="1 / 0")}),
        (ConfigurationError, "'weights' is a required property", {"reweighter": "expression"}),
    ]  # fmt: skip
    for kind, words, given in cases:
        with pytest.raises(kind, match=words):
            reweight_file(TTW, out, **given)  # type: ignore[arg-type]
    with pytest.raises(OutputError, match="is the input itself"):
        reweight_file(TTW, TTW, nominal="rwgt_1", overwrite=True)
    with pytest.raises(InputError, match="is a pipe"):
        reweight_file("-", out, nominal="rwgt_1")
    empty = DATA / "jhugen_noevents.lhe"
    with pytest.raises(InputError, match="no weight 'x'; the file has none"):
        reweight_file(empty, out, nominal="x")
    assert list(tmp_path.iterdir()) == []
    reweight_file(empty, out, reweighter=expressions(k="1"))
    assert inspect_file(out).weights == ("k",)


def test_error_of_the_new_cross_section(tmp_path: Path) -> None:
    """Constant ratios keep the relative error; ratios that vary add their spread."""
    batch = batch_of(-4, [2.0] * 4, 1.0, trials=False)
    half = replace(batch, weights=np.array([[1.0, 2.0]] * 4))
    for given, own in ((half, 0.0), (batch, np.std(OTHER) / 2)):
        source = written(given, tmp_path / "in.lhe")
        report = reweight_file(source, tmp_path / "out.lhe", nominal="up", overwrite=True)
        share = float(given.weights[:, 0].sum()) / 8
        expected = np.hypot(share * np.hypot(0.1, 0.1), own)
        assert report.cross_section_out_error_pb == pytest.approx(expected, rel=1e-12)
        source.unlink()
