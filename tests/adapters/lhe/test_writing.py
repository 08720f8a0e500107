"""Writing LHE: nothing lost, files complete or absent, and other programs read them."""

from __future__ import annotations

import gzip
import os
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pylhe
import pytest

from crosshook.adapters.lhe.event_format import LheFormat
from crosshook.core.errors import ConfigurationError, OutputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import create_events
from crosshook.core.events.generator_name import generator_names
from crosshook.core.events.layout import EVENT_COLUMNS, PARTICLE_COLUMNS
from crosshook.core.events.run_info import ProcessInfo, RunInfo, WeightInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    ReadAll = Callable[..., tuple[RunInfo, EventBatch]]

EXCERPTS = sorted((Path(__file__).parents[2] / "data" / "lhe").iterdir())
WHY = "CROSSHOOK_REFERENCE_DATA is not set"
FOLDER = os.environ.get("CROSSHOOK_REFERENCE_DATA")
REFERENCE = sorted(Path(FOLDER, "lhe").glob("*/*.lhe*")) if FOLDER else []


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


def skip_without(ending: str) -> None:
    """Skips a test of files that need an extra."""
    if ending.endswith(".zst"):
        pytest.importorskip("zstandard", reason="zstandard is not installed (extra zstd)")


@pytest.mark.parametrize("ending", [".lhe", ".lhe.gz", ".lhe.zst"])
@pytest.mark.parametrize("path", EXCERPTS, ids=lambda p: p.name)
def test_lhe_to_lhe_loses_nothing(
    tmp_path: Path, path: Path, read_all: ReadAll, ending: str
) -> None:
    skip_without(ending)
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


@pytest.mark.parametrize("ending", [".lhe", ".lhe.gz", ".lhe.zst"])
def test_bytes_depend_on_the_events_alone(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not on the batches, the threads, or when the cross section became known."""
    skip_without(ending)
    info, events = made_up()
    final = replace(info, processes=(ProcessInfo(1, 42.0, 0.5, 43.0), info.processes[1]))
    monkeypatch.setattr("crosshook.adapters.lhe.compressed_output.BLOCK", 1000)
    monkeypatch.setattr("crosshook.adapters.lhe.event_text.PIECE", 3000)
    written = []
    for name, first, step in (("one", final, 50), ("two", info, 7), ("longer", RunInfo(), 1)):
        path = tmp_path / f"{name}{ending}"
        with LheFormat(1).write(path, first) as writer:
            for start in range(0, len(events), step):
                writer.write(events[start : start + step])
            writer.close(final)
        written.append(path.read_bytes())
    assert written[0] == written[1] == written[2]


def test_what_was_written_is_written_again_as_it_is(tmp_path: Path, read_all: ReadAll) -> None:
    for path in EXCERPTS:
        first, second = tmp_path / f"1{path.stem}.lhe", tmp_path / f"2{path.stem}.lhe"
        for source, target in ((path, first), (first, second)):
            info, events = read_all(source)
            with LheFormat(1).write(target, info) as writer:
                writer.write(events)
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", ["madgraph_pp_tt012j.lhe.gz", "madgraph_pp_ttW.lhe.gz"])
def test_events_of_madgraph_come_back_byte_for_byte(
    tmp_path: Path, read_all: ReadAll, name: str
) -> None:
    source = next(p for p in EXCERPTS if p.name == name)
    info, events = read_all(source)
    with LheFormat(1).write(tmp_path / "events.lhe", info) as writer:
        writer.write(events)
    whole, again = gzip.decompress(source.read_bytes()), (tmp_path / "events.lhe").read_bytes()
    assert again[again.index(b"<event>") :] == whole[whole.index(b"<event>") :]


@pytest.mark.parametrize("ending", [".lhe", ".lhe.gz"])
@pytest.mark.parametrize(
    "path", REFERENCE or [pytest.param(None, marks=pytest.mark.skip(WHY))], ids=str
)
def test_reference_files_lose_nothing(
    tmp_path: Path, path: Path, read_all: ReadAll, ending: str
) -> None:
    info, events = read_all(path)
    one, two = tmp_path / f"one{ending}", tmp_path / f"two{ending}"
    with LheFormat(1).write(one, info) as writer:
        writer.write(events)
    info_again, again = read_all(one)
    assert replace(info_again, version=info.version) == info
    assert_same(events, again)
    with LheFormat(1).write(two, info_again) as writer:
        writer.write(again)
    assert one.read_bytes() == two.read_bytes()


def test_an_event_of_many_weights_is_longer_than_a_piece(
    tmp_path: Path, read_all: ReadAll, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crosshook.adapters.lhe.event_text.PIECE", 100)
    info, events = made_up()
    with LheFormat(1).write(tmp_path / "events.lhe", info) as writer:
        writer.write(events)
    assert_same(events, read_all(tmp_path / "events.lhe")[1])


@pytest.mark.parametrize("column", ["weight", "scale", "px", "spin", "a further weight"])
def test_numbers_that_are_not_finite_are_refused_with_their_event(
    tmp_path: Path, column: str
) -> None:
    info, events = made_up()
    weights = events.weights.copy()
    chosen = {
        "weight": events.event,
        "scale": events.event,
        "px": events.particle_columns,
        "spin": events.particle_columns,
    }.get(column)
    row = int(np.flatnonzero(events.present[:, 2])[0]) if events.present is not None else 0
    if chosen is None:
        weights[row, 2] = np.nan
    else:
        chosen[column] = chosen[column].copy()
        chosen[column][row if chosen is events.event else events.offsets[row]] = np.inf
    broken = replace(events, weights=weights)
    name = 'weight "it\'s" is nan' if chosen is None else f"{column} is inf"
    path = tmp_path / "events.lhe"
    writer = LheFormat(1).write(path, info)
    writer.write(made_up()[1])
    with pytest.raises(OutputError, match=f"{path}: event {50 + row + 1}: {name}"), writer:
        writer.write(broken)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_noticed_while_a_thread_compresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crosshook.adapters.lhe.compressed_output.BLOCK", 1000)
    info, events = made_up()
    writer = LheFormat(1).write(tmp_path / "events.lhe.gz", info)

    class Full:
        def write(self, data: bytes) -> int:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            pass

    def write() -> None:
        with writer:
            writer.write(events)
            monkeypatch.setattr(writer._body, "_file", Full())
            for _ in range(100):
                writer.write(events)

    with pytest.raises(OutputError, match="cannot be written: No space left"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_without_zstandard_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(ConfigurationError, match=r"pip install zstandard .extra crosshook\[zstd"):
        LheFormat(1).write(tmp_path / "events.lhe.zst", RunInfo())
    path = tmp_path / "read.lhe.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd")
    with pytest.raises(ConfigurationError, match=r"pip install zstandard .extra crosshook\[zstd"):
        LheFormat(1).read(path)


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


def read_by_pythia(path: Path) -> tuple[int, float, bool]:
    """Number of events, cross section in pb, and whether Pythia read to the end."""
    pythia8mc = pytest.importorskip("pythia8mc", reason="pythia8mc is not installed")
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
    about = pythia.infoPython()
    return count, about.sigmaGen() * 1e9, about.atEndOfFile()


@pytest.mark.physics
@pytest.mark.parametrize("path", [*EXCERPTS, *REFERENCE], ids=lambda p: p.name)
def test_pythia_finds_in_our_file_what_it_finds_in_the_original(
    tmp_path: Path, path: Path, read_all: ReadAll
) -> None:
    expected = read_by_pythia(path)
    info, events = read_all(path)
    with LheFormat(1).write(tmp_path / "events.lhe", info) as writer:
        writer.write(events)
    found = read_by_pythia(tmp_path / "events.lhe")
    assert found == expected  # to the last bit: it sums the same numbers
    # It stops at events without colours, as Sherpa writes them.
    assert found[0] == len(events) or (not found[2] and "Sherpa" in str(generator_names(info)))


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
    from crosshook.core.cross_section import WeightSums, cross_section

    info, events = read_all(next(p for p in EXCERPTS if p.name == name))
    path = tmp_path / f"events{ending}"
    with LheFormat(1).write(path, info) as writer:
        writer.write(events)
    sums = WeightSums()
    sums.add(events)
    count, sigma, at_end = read_by_pythia(path)
    assert (count, at_end) == (len(events), True)
    expected = cross_section(info, sums).value
    # Pythia sums in mb: a few roundings of double precision for each event.
    assert sigma == pytest.approx(expected, rel=1e-14 * (count + 9))
