"""Reading LHE: real dialects against pylhe, forms that valid files take, and broken files."""

from __future__ import annotations

import gzip
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pylhe
import pytest

from crosshook.adapters.lhe.event_format import LheFormat
from crosshook.adapters.lhe.reader import LheStream
from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.interfaces.event_format import SkippedEvent

    ReadAll = Callable[..., tuple[RunInfo, EventBatch]]
    Edit = Callable[[bytes, bytes], Path]
    Parts = tuple[bytes, bytes, bytes]

EXCERPTS = sorted((Path(__file__).parents[2] / "data" / "lhe").glob("*.lhe*"))
PYLHE_NAMES = {"id": "pdg_id", "color1": "colour1", "color2": "colour2", "m": "mass"}


@pytest.mark.parametrize("path", EXCERPTS, ids=lambda p: p.name)
def test_pylhe_reads_the_same(path: Path, read_all: ReadAll) -> None:
    info, events = read_all(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = pylhe.LHEFile.fromfile(str(path))
        expected = list(oracle.events)
    assert len(events) == len(expected)
    init = oracle.init.initInfo
    assert info.beams == (init.beamA, init.beamB)
    assert info.energies == (init.energyA, init.energyB)
    assert info.weighting == init.weightingStrategy
    assert [p.cross_section for p in info.processes] == [p.xSection for p in oracle.init.procInfo]
    for i, event in enumerate(expected):
        head = event.eventinfo
        assert events.counts[i] == head.nparticles
        assert events.event["process_id"][i] == head.pid
        assert events.event["weight"][i] == head.weight
        assert events.event["scale"][i] == head.scale
        assert events.event["alpha_qcd"][i] == head.aqcd
        row = slice(events.offsets[i], events.offsets[i + 1])
        fields = ("id", "status", "mother1", "color1", "px", "py", "pz", "e", "m", "lifetime")
        for name in (*fields, "color2", "mother2", "spin"):
            column = events.particle_columns[PYLHE_NAMES.get(name, name)][row]
            assert column.tolist() == [getattr(p, name) for p in event.particles], name
        for weight_id, value in event.weights.items():
            assert events.weights[i, info.weight_ids.index(weight_id)] == value


def test_trials_and_scales_are_columns(read_all: ReadAll) -> None:
    _, events = read_all(next(p for p in EXCERPTS if p.name == "sherpa_3.0.1_eejjj.lhe"))
    assert events.event["trials"][:2].tolist() == [1.0, 8.0]
    assert events.event["mur2"][:2].tolist() == [1936.0, 112.03629759]
    assert "attributes" not in events.raw


def test_weights_by_id_and_by_place(read_all: ReadAll) -> None:
    info, events = read_all(next(p for p in EXCERPTS if p.name == "testlhef3.lhe"))
    assert info.weight_ids[:2] == ("1001", "1002")
    assert info.weight_ids[9:] == ("weights_1", "weights_2", "weights_3")
    assert events.weights[0, [0, 1, 9, 10, 11]].tolist() == [50.109, 45.746, 1.0, 0.204, 1.564]
    assert info.weights[0].group == "scale_variation"
    assert info.weight_groups["scale_variation"]["combine"] == "envelope"
    assert info.init_extra[1] == "Just some random garbage..."
    assert events.raw["attributes"][0] == b'npLO=" -1 " npNLO=" 1 "'
    assert b'<scales muf="90.1"' in events.raw["extra"][0]


def test_a_list_as_long_as_the_declarations_takes_their_ids(read_all: ReadAll) -> None:
    path = next(p for p in EXCERPTS if p.name.startswith("powheg_directphoton"))
    info, events = read_all(path)
    assert info.weight_ids == ("0", "1", "2", "3", "4", "5", "6")
    assert events.weight_column("6")[0] == 0.29978e-02
    assert events.raw["extra"][0].startswith(b"#rwgt")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b" 3 7", b"\n  \n 3 7"),
        (b" 25 1", b"\n\n 25 1"),
        (b"1.5e+02 1.5e+02", b"1.5D+02 1.5d+02"),
        (b"1.5e+02 1.5e+02", b"1.5+02 150."),
        (b"1.25e+00", b"+.125E1"),
        (b"21 -1 0", b"21 -1. 0"),
        (b"<event>", b"   <event>  "),
        (b"</event>", b"  </event>"),
        (b"<wgt id='a'> 4.5 </wgt>", b'  <wgt id="a">+.45D1</wgt>'),
        (b"4.5 </wgt>\n", b"4.5 </wgt>"),
    ],
)
def test_forms_that_mean_the_same(edited: Edit, read_all: ReadAll, old: bytes, new: bytes) -> None:
    _, events = read_all(edited(old, new), 2)
    for column in (*events.particle_columns.values(), *events.event.values()):
        assert (
            column[: len(column) // 3].tolist()
            == column[len(column) // 3 :][: len(column) // 3].tolist()
        )
    assert events.weights.tolist() == [[4.5, -0.325]] * 3


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.rstrip(),
        lambda text: text + b"\n# after the end: a < b & c </event>\n",
        lambda text: b'<?xml version="1.0"?>\n' + text,
        lambda text: text.replace(b"<init>\n", b"<init>\n\n"),
        lambda text: text.replace(b"<init>", b'<init note="x">'),
        lambda text: text.replace(b"Block", b"\x01\xff Block"),
        lambda text: text.replace(b"<header>\n", b"<header>\n<!-- <init> & -->\n"),
        lambda text: text.replace(b"<slha>", b"<slha>\n see <event> below </init> \n"),
        lambda text: text.replace(b"<event>", b"<event >"),
    ],
)
@pytest.mark.parametrize("members", [0, 1, 3])
def test_forms_of_whole_files(
    tmp_path: Path,
    parts: Parts,
    read_all: ReadAll,
    change: Callable[[bytes], bytes],
    members: int,
) -> None:
    head, event, tail = parts
    text = change(head + 3 * event + tail)
    cut = len(text) // 3
    pieces = [text[:cut], text[cut : 2 * cut], text[2 * cut :]] if members == 3 else [text]
    path = tmp_path / "events.lhe"
    path.write_bytes(b"".join(gzip.compress(p) for p in pieces) if members else text)
    info, events = read_all(path, 2)
    assert len(events) == 3
    assert events.weight_column("b").tolist() == [-0.325] * 3
    assert info.processes[0].process_id == 7


def test_text_after_the_end_is_kept(tmp_path: Path, parts: Parts, read_all: ReadAll) -> None:
    path = tmp_path / "events.lhe"
    path.write_bytes(b"".join(parts) + b"# statistics\n1 2 3\n")
    info, _ = read_all(path)
    assert info.trailer == "# statistics\n1 2 3\n"


def test_no_process_line(tmp_path: Path, parts: Parts, read_all: ReadAll) -> None:
    path = tmp_path / "events.lhe"
    path.write_bytes(b"".join(parts).replace(b"4.0e+00 1.0e-01 4.0e+00 7\n", b""))
    assert read_all(path)[0].processes == ()


def test_weights_may_be_absent_or_come_late(edited: Edit, read_all: ReadAll) -> None:
    info, events = read_all(edited(b"<wgt id='a'> 4.5 </wgt>", b"<wgt id='c'> 8 </wgt>"), 1)
    assert info.weight_ids == ("a", "b", "c")
    assert events.present is not None
    assert events.present.tolist() == [
        [True, True, False],
        [False, True, True],
        [True, True, False],
    ]
    with pytest.raises(InputError, match="'c' is absent in 2 of 3 events"):
        events.weight_column("c")


def test_further_numbers_of_a_line_are_kept_as_comment(edited: Edit, read_all: ReadAll) -> None:
    _, events = read_all(edited(b"1.25e+02 0. 9.", b"1.25e+02 0. 9. 77 ! note"))
    assert events.raw["extra"] == [b"", b"# particle 3: 77 ! note\n", b""]


def read_until_error(path: Path, batch_size: int) -> tuple[int, str]:
    """Events given before the error, and its message."""
    count = 0
    with LheFormat(1).read(path, batch_size) as stream:
        try:
            for batch in stream:
                count += len(batch)
        except InputError as error:
            return count, str(error)
    pytest.fail(f"{path} was read to its end")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b" 21 -1 0 0 501", b"\n#", r"event 2 \(line 25\): 3 particles announced, 2 found"),
        (b" 3 7", b" 2 7", r"event 2 \(line 25\): 2 particles announced, more found"),
        (b"1.25e+02 0. 9.", b"1.25e+02 0.", "particle 3 has 12 numbers, 13 expected"),
        (b" 3 7 4.0", b" 3 7", "the event line has 5 numbers, 6 expected"),
        (b" 3 7", b" x 7", "'x' is not a number of particles"),
        (b"1.25e+02", b"1.25x+02", "'1.25x.02' is not a number"),
        (b"1.25e+02", b"********", "is not a number"),
        (b"1.25e+02", b"NaN", "nan is not a finite number"),
        (b"1.25e+02", b"-Infinity", "-inf is not a finite number"),
        (b"21 -1 0", b"21 -1.5 0", "status is -1.5, not a whole number"),
        (b" 4.5 ", b" 4.5.5 ", "'4.5.5' is not a number"),
        (b"</rwgt>", b"", "<rwgt> does not end"),
        (b" </wgt>", b"", "2 weights begun, 1 readable"),
        (b"<event>", b"<event trials='3'>", "'trials', which the first event has not"),
        (b"</event>\n", b"", "no </event> found"),
    ],
)
def test_broken_events_are_named_after_all_before_them(
    edited: Edit, old: bytes, new: bytes, message: str
) -> None:
    path = edited(old, new)
    count, error = read_until_error(path, 2)
    assert count == 1
    assert re.search(message, error)
    assert error.startswith(f"{path}: event 2 (line 25)")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: b"", "no <init>"),
        (lambda text: text.replace(b"</init>", b""), "the init block does not end"),
        (lambda text: text.replace(b"<LesHouchesEvents", b"<Other"), "no <LesHouchesEvents>"),
        (lambda text: text.replace(b" -4 1", b" -4"), r"line 12: 10 numbers expected.*9 found"),
        (lambda text: text.replace(b" -4 1", b" -4 2"), "2 processes announced.*1 found"),
        (lambda text: text.replace(b"6.5e+03", b"6.5k", 1), "line 12: '6.5k' is not a number"),
    ],
)
def test_broken_heads_are_refused(
    tmp_path: Path, parts: Parts, change: Callable[[bytes], bytes], message: str
) -> None:
    path = tmp_path / "events.lhe"
    path.write_bytes(change(b"".join(parts)))
    with pytest.raises(InputError, match=message):
        LheFormat(1).read(path)


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        (b"", "ends after 3 events without </LesHouchesEvents>"),
        (b"<event>\n 3 7 4.0", r"event 4 \(line \d+\): the file ends inside the event"),
        (b"</LesHouchesEvents>\n<LesHouchesEvents>\n<event>\n</event>\n", "a second file begins"),
    ],
)
def test_broken_ends_come_after_all_events(
    tmp_path: Path, parts: Parts, tail: bytes, message: str
) -> None:
    path = tmp_path / "events.lhe"
    path.write_bytes(parts[0] + 3 * parts[1] + tail)
    count, error = read_until_error(path, 2)
    assert count == 3
    assert re.search(message, error)


def test_truncated_gzip_gives_every_complete_event(tmp_path: Path, parts: Parts) -> None:
    head, event, tail = parts
    text = head + 500 * event + tail
    path = tmp_path / "events.lhe.gz"
    # Stored blocks (level 0) make the number of whole events in the cut file known.
    stored = gzip.compress(text, 0, mtime=0)
    path.write_bytes(stored[: len(stored) // 2])
    overhead = 18 + 5 * (len(text) // 65535 + 1)
    whole = (len(stored) // 2 - overhead - len(head)) // len(event)
    count, error = read_until_error(path, 7)
    assert whole <= count <= whole + 1
    assert f"truncated: the gzip data end before their end mark (after {count} complete" in error


def test_damaged_gzip_is_named(tmp_path: Path, parts: Parts) -> None:
    rng = np.random.default_rng(20261122)
    noise = b"# " + bytes(rng.integers(65, 90, 400_000, np.uint8)) + b"\n"
    data = bytearray(gzip.compress(parts[0] + parts[1].replace(b"<rwgt>", noise + b"<rwgt>")))
    data[-8:-4] = b"\0\0\0\0"
    path = tmp_path / "events.lhe.gz"
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match=f"{path}: damaged gzip data"):
        for _ in LheFormat(1).read(path):
            pass


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b" 3 7 4.0", b" 3 x 4.0"),
        (b"</rwgt>", b""),
        (b"</event>\n", b""),
        (b"<event>", b"<event trials='3'>"),
    ],
)
def test_skipping_loses_no_other_event(
    edited: Edit, old: bytes, new: bytes, compiled: bool
) -> None:
    path = edited(old, new)
    skipped: list[SkippedEvent] = []
    with LheStream(path, 10, skipped, compiled) as stream:
        assert sum(map(len, stream)) == 2
    assert [(one.event, one.line, one.file) for one in skipped] == [(2, 25, str(path))]
    assert skipped[0].reason.startswith(f"{path}: event 2 (line 25): ")


@pytest.mark.parametrize("compiled", [True, False])
def test_skipping_begins_with_the_first_event(
    tmp_path: Path, parts: Parts, compiled: bool
) -> None:
    head, event, tail = parts
    broken = event.replace(b"</event>\n", b"")
    path = tmp_path / "events.lhe"
    path.write_bytes(head + 2 * broken + event.replace(b"<event>", b"<event trials='2'>") + tail)
    skipped: list[SkippedEvent] = []
    with LheStream(path, 10, skipped, compiled) as stream:
        (batch,) = stream
    assert batch.event["trials"].tolist() == [2.0]
    assert [one.event for one in skipped] == [1, 2]


@pytest.mark.parametrize("compiled", [True, False])
def test_skipping_lists_the_cut_end_of_a_file(
    tmp_path: Path, parts: Parts, compiled: bool
) -> None:
    head, event, tail = parts
    path = tmp_path / "events.lhe.gz"
    # Stored, not compressed: what comes before the cut is all there.
    path.write_bytes(gzip.compress(head + 5 * event + tail, 0)[: -len(tail) - 20])
    skipped: list[SkippedEvent] = []
    with LheStream(path, 2, skipped, compiled) as stream:
        assert sum(map(len, stream)) == 4
    assert [one.event for one in skipped] == [5]
    assert "truncated" in skipped[0].reason


def test_a_second_file_is_not_skipped(tmp_path: Path, parts: Parts) -> None:
    path = tmp_path / "events.lhe"
    path.write_bytes(2 * b"".join(parts))
    with (
        LheStream(path, 2, []) as stream,
        pytest.raises(InputError, match="a second file begins before line"),
    ):
        list(stream)
