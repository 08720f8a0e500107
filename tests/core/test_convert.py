"""Converting and merging: cross sections of merged files, and what must not be merged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crosshook.core.convert import convert
from crosshook.core.errors import InputError, OutputError
from crosshook.core.events.files import create_events, open_events
from crosshook.core.inspect import inspect_file

DATA = Path(__file__).parents[1] / "data" / "lhe"
TT = DATA / "madgraph_pp_tt012j.lhe.gz"
WJJ = DATA / "sherpa_wjj.lhe.gz"
ZJET = DATA / "sherpa_zjet.lhe"
NEGATIVE = DATA / "powheg_trijet_negw.lhe"
UNIT = DATA / "mg5_2.2.1_Z_mlm.lhe"


def rewritten(path: Path, target: Path, rows: slice = slice(None), factor: float = 1.0) -> Path:
    """A part of a file with its weights and cross sections multiplied."""
    with open_events(path) as stream:
        batch = next(iter(stream))[rows].with_weights(factor)
        info = replace(
            stream.info,
            processes=tuple(
                replace(p, cross_section=p.cross_section * factor, error=p.error * factor)
                for p in stream.info.processes
            ),
        )
    with create_events(target, info) as writer:
        writer.write(batch.with_info(info))
    return target


def test_samples_of_one_process_average(tmp_path: Path) -> None:
    first = rewritten(TT, tmp_path / "a.lhe", slice(0, 5))
    second = rewritten(TT, tmp_path / "b.lhe", slice(5, 20), 1.001)
    report = convert([first, second], tmp_path / "out.root")
    expected = (5 * 1463.963 + 15 * 1463.963 * 1.001) / 20
    assert report.events == 20
    assert report.rule == "average"
    assert [i.scale for i in report.inputs] == [1.0, 1.0]
    assert report.cross_section_pb == pytest.approx(expected, rel=1e-12)
    merged = inspect_file(tmp_path / "out.root")
    assert sum(p.xsecup_pb or 0.0 for p in merged.processes) == pytest.approx(expected, rel=1e-12)
    # errors of independent samples, weighted with their shares
    single = inspect_file(first).cross_section_error_pb or 0.0
    spread = np.hypot(0.25 * single, 0.75 * single * 1.001)
    assert merged.cross_section_error_pb == pytest.approx(spread, rel=1e-3)
    assert merged.weights == inspect_file(TT).weights


def test_sherpa_files_keep_counting_trials(tmp_path: Path) -> None:
    first = rewritten(WJJ, tmp_path / "a.lhe", slice(0, 10))
    second = rewritten(WJJ, tmp_path / "b.lhe", slice(10, 40))
    report = convert([first, second], tmp_path / "out.lhe")
    assert report.rule == "trials"
    assert report.cross_section_pb == pytest.approx(inspect_file(WJJ).cross_section_pb, rel=1e-14)


def test_different_processes_add_up(tmp_path: Path) -> None:
    parts = [inspect_file(WJJ), inspect_file(ZJET)]
    report = convert([WJJ, ZJET], tmp_path / "out.lhe.gz", combine="sum")
    expected = sum(p.cross_section_pb or 0.0 for p in parts)
    merged = inspect_file(tmp_path / "out.lhe.gz")
    assert (report.events, merged.rule, merged.trials) == (50, "average", None)
    assert report.cross_section_pb == pytest.approx(expected, rel=1e-12)
    assert merged.cross_section_pb == pytest.approx(expected, rel=1e-12)
    errors = np.hypot(*[p.cross_section_error_pb or 0.0 for p in parts])
    assert merged.cross_section_error_pb == pytest.approx(errors, rel=1e-12)


def test_unit_weight_files_get_weights_in_pb(tmp_path: Path) -> None:
    report = convert([UNIT, UNIT], tmp_path / "out.lhe")
    assert report.rule == "average"
    assert report.cross_section_pb == pytest.approx(inspect_file(UNIT).cross_section_pb, rel=1e-12)


def test_negative_weights_merge(tmp_path: Path) -> None:
    report = convert([NEGATIVE, NEGATIVE], tmp_path / "out.lhe")
    assert report.cross_section_pb == pytest.approx(
        inspect_file(NEGATIVE).cross_section_pb, rel=1e-12
    )


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out.lhe"
    with pytest.raises(InputError, match="different beams"):
        convert([TT, DATA / "sherpa_3.0.1_eejjj.lhe"], out)
    with pytest.raises(InputError, match="different parton densities"):
        convert([TT, WJJ], out, combine="sum")
    bare = tmp_path / "bare.lhe"
    with open_events(TT) as stream:
        info = replace(stream.info, weights=())
        batch = next(iter(stream))
    with create_events(bare, info) as writer:
        writer.write(replace(batch, info=info, weights=batch.weights[:, :0]))
    with pytest.raises(InputError, match=r"different further weights: rwgt_1.*; none"):
        convert([TT, bare], out)
    with pytest.raises(InputError, match=r"no samples of one process: cross sections 1463\.96"):
        convert([TT, rewritten(TT, tmp_path / "b.lhe", factor=1.5)], out)
    with pytest.raises(OutputError, match="is one of the inputs"):
        convert([TT], TT, overwrite=True)
    assert not out.exists()
    out.write_text("precious")
    for inputs in ([TT], [TT, TT]):
        with pytest.raises(OutputError, match="exists already"):
            convert(inputs, out)
    assert out.read_text() == "precious"


def test_a_broken_input_leaves_no_output(tmp_path: Path) -> None:
    broken = tmp_path / "broken.lhe.gz"
    broken.write_bytes(TT.read_bytes()[:-50])
    for name in ("out.lhe", "out.root", "out.parquet"):
        with pytest.raises(InputError, match="truncated"):
            convert([broken], tmp_path / name)
    assert list(tmp_path.iterdir()) == [broken]
