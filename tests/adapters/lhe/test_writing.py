"""Writing LHE: nothing lost, files complete or absent, and other programs read them."""

from __future__ import annotations

import gzip
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pylhe
import pytest

from crosshook.adapters.lhe.event_format import LheFormat
from crosshook.core.errors import OutputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import create_events
from crosshook.core.events.layout import EVENT_COLUMNS, PARTICLE_COLUMNS
from crosshook.core.events.run_info import ProcessInfo, RunInfo, WeightInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    ReadAll = Callable[..., tuple[RunInfo, EventBatch]]

EXCERPTS = sorted((Path(__file__).parents[2] / "data" / "lhe").iterdir())


def assert_same(ours: EventBatch, theirs: EventBatch) -> None:
    """Every column, weight and text is identical, to the last bit."""
    assert ours.counts.tolist() == theirs.counts.tolist()
    assert ours.event.keys() == theirs.event.keys()
    for name, column in ours.event.items():
        np.testing.assert_array_equal(column, theirs.event[name], err_msg=name, strict=True)
    for name, column in ours.particle_columns.items():
        other = theirs.particle_columns[name]
        np.testing.assert_array_equal(column, other, err_msg=name, strict=True)
        np.testing.assert_array_equal(np.signbit(column), np.signbit(other), err_msg=name)
    np.testing.assert_array_equal(ours.weights, theirs.weights)
    assert (ours.present is None) == (theirs.present is None)
    if ours.present is not None:
        np.testing.assert_array_equal(ours.present, theirs.present)
    assert ours.raw == theirs.raw


@pytest.mark.parametrize("ending", [".lhe", ".lhe.gz"])
@pytest.mark.parametrize("path", EXCERPTS, ids=lambda p: p.name)
def test_lhe_to_lhe_loses_nothing(
    tmp_path: Path, path: Path, read_all: ReadAll, ending: str
) -> None:
    info, events = read_all(path)
    copy = tmp_path / f"copy{ending}"
    with LheFormat(1).write(copy, info) as writer:
        writer.write(events[: len(events) // 2])
        writer.write(events[len(events) // 2 :])
        writer.close(info)
    info_again, events_again = read_all(copy)
    assert replace(info_again, version=info.version) == info
    assert info_again.version == "3.0"
    assert_same(events, events_again)


def made_up(n: int = 50) -> tuple[RunInfo, EventBatch]:
    """Events with every kind of number and text, some without all weights."""
    rng = np.random.default_rng(20261122)
    counts = rng.integers(1, 6, n)
    total = int(counts.sum())

    def numbers(size: int) -> np.ndarray:
        # All bit patterns but NaN and infinities: the hardest numbers to print.
        bits = rng.integers(0, 2**63, 2 * size, np.int64) | (rng.integers(0, 2, 2 * size) << 63)
        values = bits.view(np.float64)
        return values[np.isfinite(values)][:size]

    def column(kind: type, size: int) -> np.ndarray:
        return numbers(size) if kind is np.float64 else rng.integers(-(2**31), 2**31, size)

    weights = (
        WeightInfo("1", "g 'one'", " text &lt; \n", {"MUR": "0.5"}),
        WeightInfo("100% up", "g 'one'"),
        WeightInfo("it's"),
        WeightInfo("weights_1", listed=True),
    )
    info = RunInfo(
        beams=(11, -11),
        energies=(45.6, 45.6000001),
        processes=(ProcessInfo(1, 0.1, 1e-300, 5e-324), ProcessInfo(-7, -3.0, 2.0, 1e300)),
        generators=(("crosshook", "0.1.0", "made up"), ("other", "", "")),
        weights=weights,
        weight_groups={"g 'one'": {"name": "g 'one'", "combine": "hessian"}},
        header={"a": "\n1 < 2 & 3\n", "a ": "again", "b x='1'": "\n"},
        comments=("<!-- note -->", "free text"),
        init_extra=("<other>kept</other>",),
        trailer="# end\n",
    )
    present = rng.random((n, 4)) < 0.7
    extra = [
        b"# \xff bytes & <open\n<scales a='1'></scales>\n" if i % 3 else b"" for i in range(n)
    ]
    batch = EventBatch.from_columns(
        info,
        counts,
        {
            **{name: column(kind, n) for name, kind in EVENT_COLUMNS.items()},
            "trials": rng.integers(1, 9, n),
            "mur2": np.where(rng.random(n) < 0.5, 0.0, 8100.25),
        },
        {name: column(kind, total) for name, kind in PARTICLE_COLUMNS.items()},
        np.where(present, numbers(4 * n).reshape(n, 4), 0.0),
        present,
        {
            "extra": extra,
            "attributes": [b"npLO=' 1 '"] * n,
            "before": [b"# a\n", *[b""] * (n - 1)],
        },
    )
    return info, batch


def test_any_number_and_text_survives(tmp_path: Path, read_all: ReadAll) -> None:
    info, events = made_up()
    with LheFormat(1).write(tmp_path / "events.lhe.gz", info) as writer:
        writer.write(events)
    info_again, events_again = read_all(tmp_path / "events.lhe.gz")
    assert info_again == info
    assert_same(events, events_again)


def test_the_init_block_is_what_is_known_at_the_end(tmp_path: Path, read_all: ReadAll) -> None:
    info, events = made_up()
    path = tmp_path / "events.lhe.gz"
    final = replace(info, processes=(ProcessInfo(1, 42.0, 0.5, 43.0),))
    with LheFormat(2).write(path, info) as writer:
        writer.write(events)
        writer.close(final)
    assert read_all(path)[0].processes == final.processes
    with gzip.open(path) as file:  # three members are one text to any gzip reader
        assert file.read().startswith(b'<LesHouchesEvents version="3.0">')


def test_the_same_events_give_the_same_bytes(tmp_path: Path) -> None:
    info, events = made_up()
    for name in ("one.lhe.gz", "two.lhe.gz"):
        with LheFormat(1).write(tmp_path / name, info) as writer:
            writer.write(events)
    assert (tmp_path / "one.lhe.gz").read_bytes() == (tmp_path / "two.lhe.gz").read_bytes()


@pytest.mark.parametrize("name", ["events.lhe", "events.lhe.gz", "events.root", "events.parquet"])
def test_a_file_that_appeared_meanwhile_is_not_replaced(tmp_path: Path, name: str) -> None:
    info, events = made_up()
    path = tmp_path / name

    def write() -> None:
        with create_events(path, info) as writer:
            writer.write(events.with_weights(1e-200))
            path.write_text("precious")

    with pytest.raises(OutputError, match="exists already"):
        write()
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_pylhe_reads_what_is_written(tmp_path: Path, read_all: ReadAll) -> None:
    info, events = read_all(next(p for p in EXCERPTS if p.name == "madgraph_pp_ttW.lhe.gz"))
    path = tmp_path / "events.lhe.gz"
    with LheFormat(1).write(path, info) as writer:
        writer.write(events)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = pylhe.LHEFile.fromfile(str(path))
        read = list(oracle.events)
    assert [e.eventinfo.weight for e in read] == events.event["weight"].tolist()
    assert [p.px for e in read for p in e.particles] == events.particle_columns["px"].tolist()
    assert [list(e.weights.values()) for e in read] == events.weights.tolist()
    assert list(read[0].weights) == list(info.weight_ids)


@pytest.mark.physics
@pytest.mark.parametrize("ending", [".lhe", ".lhe.gz"])
@pytest.mark.parametrize(
    "name",
    [
        "madgraph_pp_tt012j.lhe.gz",
        "madgraph_pp_ttW.lhe.gz",
        "jhugen_ggH_ZZ.lhe",
        "mg5_2.2.1_Z_mlm.lhe",
        "powheg_trijet_negw.lhe",
        "powheg_directphoton_weights_scales.lhe",
        "pythia6_ttbar_pdfline.lhe",
        "testlhef3.lhe",
    ],
)
def test_pythia_reads_every_event_and_the_cross_section(
    tmp_path: Path, read_all: ReadAll, name: str, ending: str
) -> None:
    pythia8mc = pytest.importorskip("pythia8mc")
    from crosshook.core.cross_section import WeightSums, cross_section

    info, events = read_all(next(p for p in EXCERPTS if p.name == name))
    path = tmp_path / f"events{ending}"
    with LheFormat(1).write(path, info) as writer:
        writer.write(events)
    sums = WeightSums()
    sums.add(events)
    pythia = pythia8mc.Pythia("", False)
    for setting in (
        "Beams:frameType = 4",
        f"Beams:LHEF = {path}",
        "PartonLevel:all = off",
        "HadronLevel:all = off",
        "ProcessLevel:resonanceDecays = off",
        "Check:event = off",
        "Print:quiet = on",
        "SLHA:readFrom = 0",
    ):
        assert pythia.readString(setting)
    assert pythia.init()
    count = 0
    while pythia.next():
        count += 1
    assert pythia.infoPython().atEndOfFile()
    assert count == len(events)
    expected = cross_section(info, sums).value
    # Pythia sums in mb: a few roundings of double precision for each event.
    assert pythia.infoPython().sigmaGen() * 1e9 == pytest.approx(expected, rel=1e-14 * (count + 9))
