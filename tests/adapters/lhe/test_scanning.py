"""The compiled scanner reads what the careful reader reads, to the last bit, wherever blocks end."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crosshook.adapters.lhe import decompression
from crosshook.adapters.lhe.nearest_double import nearest_double
from crosshook.adapters.lhe.number_scan import scan_real, scan_whole
from crosshook.adapters.lhe.numbers import real
from crosshook.adapters.lhe.reader import LheStream
from crosshook.core.errors import InputError
from crosshook.core.events.batch import EventBatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.interfaces.event_format import SkippedEvent

    Same = Callable[[EventBatch, EventBatch], None]
    Parts = tuple[bytes, bytes, bytes]

EXCERPTS = sorted((Path(__file__).parents[2] / "data" / "lhe").glob("*.lhe*"))


def outcome(
    path: Path, compiled: bool, batch_size: int, skipped: list[SkippedEvent] | None = None
) -> tuple[RunInfo, EventBatch, str]:
    """Everything a file gives: the run, all events, the error at the end."""
    batches, message = [], ""
    with LheStream(path, batch_size, skipped, compiled) as stream:
        try:
            for batch in stream:
                assert len(batch) <= batch_size
                batches.append(batch)
        except InputError as error:
            message = str(error)
        info = stream.info
    return info, EventBatch.concatenate(batches or [EventBatch.empty(info)]), message


def assert_agreement(path: Path, assert_same: Same, batch_size: int = 10_000) -> None:
    """Both readers give the same, also when broken events are skipped."""
    listed: list[list[SkippedEvent]] = [[], []]
    for skip in (False, True):
        mine = outcome(path, True, batch_size, listed[0] if skip else None)
        theirs = outcome(path, False, batch_size, listed[1] if skip else None)
        assert mine[0] == theirs[0]
        assert_same(mine[1], theirs[1])
        assert mine[2] == theirs[2]
    assert listed[0] == listed[1]


@pytest.mark.parametrize("block", [1 << 7, 1000, 4096, 1 << 21])
@pytest.mark.parametrize("path", EXCERPTS, ids=lambda p: p.name)
def test_excerpts(
    path: Path, block: int, assert_same: Same, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decompression, "BLOCK", block)
    monkeypatch.setattr(decompression, "COMPRESSED", block)
    assert_agreement(path, assert_same, 7)


def test_whole_files(assert_same: Same) -> None:
    folder = os.environ.get("CROSSHOOK_REFERENCE_DATA")
    if not folder:
        pytest.skip("CROSSHOOK_REFERENCE_DATA is not set")
    for path in sorted(Path(folder).glob("lhe/*/*.lhe*")):
        mine, theirs = outcome(path, True, 3000), outcome(path, False, 3000)
        assert (mine[0], mine[2]) == (theirs[0], "")
        assert_same(mine[1], theirs[1])


def test_every_place_of_a_block_border(
    tmp_path: Path, parts: Parts, assert_same: Same, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, event, tail = parts
    path = tmp_path / "events.lhe"
    path.write_bytes(head + 2 * event + b"# between\n" + 2 * event + tail)
    _, wanted, _ = outcome(path, False, 10)
    for block in range(len(event) - 20, len(event) + 20):
        # Events end at ever other places of a block.
        monkeypatch.setattr(decompression, "BLOCK", block)
        monkeypatch.setattr(decompression, "COMPRESSED", block)
        _, found, _ = outcome(path, True, 10)
        assert_same(found, wanted)
    assert wanted.raw["before"][2] == b"\n# between\n"


FORMS = [
    (b"1.5e+02 1.5e+02", b"1.5D+02 1.5d+02"),
    (b"1.5e+02 1.5e+02", b"1.5+02 150."),
    (b"1.25e+02 0. 9.", b"1.25e+02 0. 9. 77 ! note"),
    (b"1.25e+02 0. 9.", b"1.25e+02 0. 9. # note"),
    (b" 25 1", b"# between\n 25 1"),
    (b" 21 -1 0 0 501", b"  21. -1 0.0 0 5.01e2"),
    (b"0.1e+00", b"0.1000000000000000055511151231257827021181583404541015625"),
    (b"0.1e+00", b"1e-400"),
    (b"0.1e+00", b"1e400"),
    (b"0.1e+00", b"NaN"),
    (b"<event>", b"<event mur2='4.0' npLO=\" -1 \"  x:y='&lt;'>"),
    (b"<event>", b"<event mur2=4.0>"),
    (b"<event>", b"<event trials='3'>"),
    (b"<event>", b"<event a='>'>"),
    (b"<event>", b"# <eventgroup>\n<event\t>"),
    (b"</rwgt>", b"</rwgt><weights> 1 2.5D0\n3 </weights>"),
    (b"<rwgt>", b"<weights> 1 </weights>  <mgrwt>\n<rscale> 2 </rscale>\n</mgrwt>\n<rwgt>"),
    (b"<rwgt>", b"#rwgt 1 2 &\n   <clustering>\n</clustering> \t\n <rwgt>"),
    (b"<wgt id='a'> 4.5 </wgt>", b"<wgt id='c'> 8 </wgt>"),
    (b"<wgt id='a'> 4.5 </wgt>", b""),
    (b"<wgt id='a'> 4.5 </wgt>", b'<wgt  id = " a " x="1">4.5</wgt>'),
    (b"<wgt id='a'> 4.5 </wgt>", b"<wgt id='a'> 4.5 </wgt ><wgt id='a'> 5 </wgt>"),
    (b"<wgt id='a'> 4.5 </wgt>", b"<wgt id='a'> inf </wgt>"),
    (b"<rwgt>", b"<rwgt></rwgt><rwgt>"),
    (b" 3 7 4.0", b" 3 7.5 4.0"),
    (b" 3 7 4.0", b" 999999999999999999999 7 4.0"),
    (b"21 -1 0", b"21 4294967296 0"),
    (b"21 -1 0", b"21 -1_0 0"),
    (b"\n", b"\r\n"),
    (b"</event>\n", b"</event> after & between\n"),
    (b"</event>\n", b"</event>"),
    (b"</event>\n", b""),
    (b"</rwgt>", b""),
    (b"9.\n", b"9. garbage\n"),
    (b"9.\n", b"9."),
]


@pytest.mark.parametrize(("old", "new"), FORMS)
@pytest.mark.parametrize("declared", [True, False])
def test_odd_and_broken_events(
    tmp_path: Path, parts: Parts, assert_same: Same, old: bytes, new: bytes, declared: bool
) -> None:
    head, event, tail = parts
    assert old in event
    changed = event.replace(old, new)
    if not declared:
        head = head[: head.index(b"<initrwgt")] + head[head.index(b"</header") :]
    path = tmp_path / "events.lhe"
    for events in (
        [event, changed, event, event],
        [changed, event, changed],
        [event, *[changed] * 9, *[event] * 9, changed, event],
    ):
        path.write_bytes(head + b"".join(events) + tail)
        for batch_size in (2, 100):
            assert_agreement(path, assert_same, batch_size)


def test_events_of_any_length(tmp_path: Path, parts: Parts, assert_same: Same) -> None:
    head, event, tail = parts
    lines = event[event.index(b"\n 21") : event.index(b"\n<rwgt")]
    weights = b"".join(b"<wgt id='w%d'> %d.5 </wgt>\n" % (i, i) for i in range(3000))
    long = event.replace(lines, 1000 * lines).replace(b" 3 7", b"3000 7")
    wide = event.replace(b"<wgt id='a'> 4.5 </wgt>\n", weights)
    noted = event.replace(b"<rwgt>", b"# " + 300_000 * b"x" + b"\n<rwgt>")
    path = tmp_path / "events.lhe"
    path.write_bytes(head + event + long + event + noted + noted + 3 * wide + event + tail)
    assert_agreement(path, assert_same, 100)
    _, events, _ = outcome(path, True, 100)
    assert events.counts.tolist() == [3, 3000, *[3] * 7]
    assert events.weights.shape == (9, 3002)


def test_optional_columns(tmp_path: Path, parts: Parts, assert_same: Same) -> None:
    head, event, tail = parts
    tags = [
        b"<event trials='3' muf2='1936' mur2='1.5D2'>",
        b"<event mur2=\" 4 \" trials='1'>",
        b"<event trials='1' mur2='x'>",
        b"<event trials='1' other='a' mur2='1'  more='b'>",
        b"<event>",
    ]
    path = tmp_path / "events.lhe"
    path.write_bytes(head + b"".join(event.replace(b"<event>", tag) for tag in tags) + tail)
    assert_agreement(path, assert_same)
    skipped: list[SkippedEvent] = []
    _, events, _ = outcome(path, True, 10, skipped)
    assert events.event["trials"].tolist() == [3, 1, 1]
    assert events.event["mur2"].tolist() == [150, 4, 1]
    assert [one.event for one in skipped] == [3, 5]


def bits(value: float) -> bytes:
    return struct.pack("d", value)


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
FORMATS = st.sampled_from(["%r", "%+.10e", "%.17E", "%.40e", "%.5g", "%f"])


@settings(max_examples=500, deadline=None)
@given(FLOATS, FORMATS, st.sampled_from(["e", "D", "d"]))
def test_reals_are_those_of_strtod(value: float, form: str, letter: str) -> None:
    text = form % value
    place, found = scan_real(
        np.frombuffer(text.replace("e", letter).replace("E", letter).encode() + b" <", np.uint8), 0
    )
    if np.isinf(float(text)):  # rounded up beyond the largest number: left to the careful reader
        assert place == -1
        return
    assert place == len(text)
    assert bits(found) == bits(float(text))


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 2**64 - 1), st.integers(-400, 400))
def test_nearest_double(w: int, q: int) -> None:
    assert nearest_double(np.uint64(w), q) == float(f"{w}e{q}")


@settings(max_examples=300, deadline=None)
@given(st.integers(2**52, 2**53 - 1), st.integers(0, 4), st.integers(-1, 1))
def test_ties_between_two_numbers(mantissa: int, q: int, off: int) -> None:
    w = (2 * mantissa + 1) * 5**q + off  # w · 10^-q is half-way, or just beside
    if w < 2**64:
        assert nearest_double(np.uint64(w), -q) == float(f"{w}e-{q}")


@settings(max_examples=500, deadline=None)
@given(st.text("0123456789.+-eEdDqx_ #<naif", min_size=1, max_size=30))
def test_what_is_read_is_what_the_careful_reader_reads(text: str) -> None:
    buffer = np.frombuffer(text.encode() + b"<", np.uint8)
    place, found = scan_real(buffer, 0)
    whole_place, whole = scan_whole(buffer, 0)
    if place >= 0:
        assert bits(found) == bits(real(text[:place], "here"))
    if whole_place >= 0:
        assert (whole_place, whole) == (place, found)


def test_every_dialect_keeps_its_bytes(assert_same: Same, tmp_path: Path) -> None:
    # Windows' line ends in a whole file of MadGraph: raw text keeps them, numbers do not change.
    path = next(p for p in EXCERPTS if p.name == "testlhef3.lhe")
    _, plain, _ = outcome(path, True, 10)
    other = tmp_path / "crlf.lhe"
    other.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    _, found, _ = outcome(other, True, 10)
    extra = [text.replace(b"\r\n", b"\n") for text in found.raw["extra"]]
    assert_same(replace(found, raw={**found.raw, "extra": extra}), plain)
