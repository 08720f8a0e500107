"""Files made to exhaust memory or time end in an error, soon."""

from __future__ import annotations

import gzip
import importlib.util
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crosshook.adapters.lhe import reader, text_window
from crosshook.adapters.lhe.reader import LheStream
from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crosshook.core.interfaces.event_format import SkippedEvent

    Parts = tuple[bytes, bytes, bytes]

SECONDS = 20.0
"""Far more than any of these takes, and far less than quadratic work on as much text would."""
MANY = 200_000


@pytest.fixture(scope="module", autouse=True)
def _compiled(tmp_path_factory: pytest.TempPathFactory, parts: Parts) -> None:
    """The scanner is compiled once, which is not the time of any input."""
    path = tmp_path_factory.mktemp("compiled") / "events.lhe"
    path.write_bytes(b"".join(parts))
    assert read(path, True) == 1


@pytest.fixture(autouse=True)
def _soon(_compiled: None) -> Iterator[None]:
    start = time.process_time()
    yield
    assert time.process_time() - start < SECONDS


def read(path: Path, compiled: bool, skipped: list[SkippedEvent] | None = None) -> int:
    with LheStream(path, 1000, skipped, compiled) as stream:
        return sum(map(len, stream))


@pytest.mark.parametrize("where", ["header", "between", "event", "trailer"])
@pytest.mark.parametrize("filler", [b" ", b"\n", b"<a ", b"x" * 1000 + b"\n", b"<event"])
@pytest.mark.parametrize("compiled", [True, False])
def test_bombs(
    tmp_path: Path,
    parts: Parts,
    where: str,
    filler: bytes,
    compiled: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(text_window, "LIMIT", 1 << 22)
    head, event, tail = parts
    bomb = filler * ((1 << 24) // len(filler))
    pieces = {
        "header": [b"<LesHouchesEvents version='3.0'>\n<header>\n", bomb, head, event, tail],
        "between": [head, event, bomb, event, tail],
        "event": [head, event, event.replace(b"</event>", bomb + b"</event>"), tail],
        "trailer": [head, event, tail, bomb],
    }
    path = tmp_path / "bomb.lhe.gz"
    path.write_bytes(gzip.compress(b"".join(pieces[where]), 1))
    with pytest.raises(InputError, match="more than 4 MB without the end of an event"):
        read(path, compiled)


@pytest.mark.parametrize(
    "text",
    [
        b"<a" * MANY,
        b"\n<a>" * MANY,
        b"".join(b"\n<a%d>" % i for i in range(MANY)),
        b"\n<a></a>" * MANY,
        b"\n<" + b"a" * MANY,
        b"<initrwgt>" * MANY,
        b"\n<initrwgt>\n" + b"<weight id='" * MANY + b"</initrwgt>",
        b"\n<initrwgt>\n" + b"<weight id=\"a' " * MANY + b"</initrwgt>",
        b"\n<initrwgt>\n<weight " + b"a" * MANY + b">x</weight></initrwgt>",
        b"\n<initrwgt>\n" + b"<weight>" * MANY + b"</initrwgt>",
        b"".join(
            [
                b"\n<initrwgt>\n",
                *(b"<weightgroup name='a' type='%d'>" % i for i in range(MANY)),
                b"</initrwgt>",
            ]
        ),
        b" " * MANY,
        b"<LesHouchesEvents " * MANY,
        b"<!--" * MANY,
        b"\n<!--" * MANY,
    ],
    ids=lambda text: text[:20].decode().strip(),
)
@pytest.mark.parametrize("block", ["header", "init"])
def test_heads_take_time_in_proportion(
    tmp_path: Path, parts: Parts, text: bytes, block: str
) -> None:
    head, event, tail = parts
    end = b"</header>\n" if block == "header" else b"</init>\n"
    path = tmp_path / "head.lhe"
    path.write_bytes(head.replace(end, text + b"\n" + end) + event + tail)
    try:
        assert read(path, False) == 1
    except InputError as error:
        assert str(path) in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<rwgt>", b"<rwgt>" + b"<wgt id='" * MANY),
        (b"<rwgt>", b"<rwgt>" + b"<wgt id='a' " * MANY),
        (b"<rwgt>", b"<rwgt>" + b"<wgt " * MANY),
        (b"<rwgt>", b"<rwgt>" * MANY),
        (b"<event>", b"<event " + b"a" * MANY + b">"),
        (b"<event>", b"<event " + b"a='" * MANY + b">"),
        (b"<event>", b"<event " + b"a ='1' " * MANY + b">"),
        (b" 3 7", b" 3" * MANY),
        (b" 3 7", b"\n" * MANY + b" 4 7"),
        (b" 3 7", b" " + b"3" * MANY + b" 7"),
        (b"1.25e+02", b"1" * MANY + b"e-199875"),
        (b"1.25e+02", b"1.25e" + b"0" * MANY + b"2"),
        (b"<rwgt>", b"#\n" * MANY + b"<rwgt>"),
        (b"<rwgt>", b"<weights>" + b" 1" * MANY + b"</weights><rwgt>"),
        (b"<event>", b"<event>" * MANY),
        (b"</event>", b"</event>" * MANY),
    ],
)
@pytest.mark.parametrize("compiled", [True, False])
def test_events_take_time_in_proportion(
    tmp_path: Path, parts: Parts, old: bytes, new: bytes, compiled: bool
) -> None:
    head, event, tail = parts
    path = tmp_path / "event.lhe"
    path.write_bytes(head + event + event.replace(old, new, 1) + event + tail)
    for skipped in (None, []):
        try:
            assert read(path, compiled, skipped) >= 2
        except InputError as error:
            assert str(path) in str(error)  # noqa: PT017


def test_weights_that_grow_with_every_event(tmp_path: Path, parts: Parts) -> None:
    head, event, tail = parts
    path = tmp_path / "wide.lhe"
    events = [event.replace(b"'a'", b"'a%d'" % i) for i in range(3000)]
    path.write_bytes(head + b"".join(events) + tail)
    assert read(path, True) == 3000


def test_no_more_is_skipped_than_a_list_can_hold(
    tmp_path: Path, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "SKIP_LIMIT", 50)
    head, event, tail = parts
    path = tmp_path / "broken.lhe"
    path.write_bytes(head + event + 60 * event.replace(b" 3 7", b" x 7") + event + tail)
    skipped: list[SkippedEvent] = []
    with pytest.raises(InputError, match="more than 50 events cannot be read"):
        read(path, True, skipped)


def test_entities_are_text(tmp_path: Path, parts: Parts) -> None:
    head, event, tail = parts
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    declared = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file://%s"><!ENTITY y "%s">]>\n' % (
        bytes(secret),
        b"&x;" * 10,
    )
    path = tmp_path / "entities.lhe"
    path.write_bytes(
        declared + head.replace(b"Block", b"&x;&y; Block") + event.replace(b"'a'", b"'&x;'") + tail
    )
    with LheStream(path, 10) as stream:
        (batch,) = stream
    assert "&x;&y;" in stream.info.header["slha"]
    assert "hidden" not in repr(stream.info)
    assert batch.info.weight_ids == ("a", "b", "&x;")


@pytest.mark.skipif(importlib.util.find_spec("zstandard") is None, reason="no zstandard")
def test_zstd(tmp_path: Path, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    import zstandard

    head, event, tail = parts
    path = tmp_path / "events.lhe.zst"
    compress = zstandard.ZstdCompressor().compress
    path.write_bytes(compress(head + event) + compress(event + tail))
    assert read(path, True) == 2
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"ends|damaged"):
        read(path, True)
    monkeypatch.setattr(text_window, "LIMIT", 1 << 22)
    path.write_bytes(compress(head + b" " * (1 << 28)))
    with pytest.raises(InputError, match="more than 4 MB"):
        read(path, True)


TEXTS = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from(
            [b"<event>", b"</event>", b"\n", b" 1", b"<rwgt>", b"</rwgt>", b"'", b"#"]
        ),
    ),
    max_size=10,
).map(b"".join)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    junk=TEXTS, place=st.floats(0, 1), cut=st.integers(0, 30), pack=st.sampled_from([None, 0, 6])
)
def test_damaged_files(
    tmp_path: Path, parts: Parts, junk: bytes, place: float, cut: int, pack: int | None
) -> None:
    """Junk anywhere, also in compressed data: both readers agree, and fail only as they should."""
    head, event, tail = parts
    text = head + 4 * event + tail
    data = text if pack is None else gzip.compress(text, pack, mtime=0)
    at = int(place * len(data))
    path = tmp_path / "junk.lhe"
    path.write_bytes(data[:at] + junk + data[at + cut :])
    outcomes = []
    for compiled in (True, False):
        for skipped in (None, []):
            try:
                outcomes.append(str(read(path, compiled, skipped)))
            except InputError as error:
                outcomes.append(str(error))
            outcomes.append(repr(skipped))
    assert outcomes[:4] == outcomes[4:]


def test_every_event_in_front_of_junk_is_kept(tmp_path: Path, parts: Parts) -> None:
    head, event, tail = parts
    path = tmp_path / "junk.lhe"
    path.write_bytes(head + 50 * event + b"\xff\xfe\x00" * 1000 + 50 * event + tail)
    assert read(path, True) == 100
    assert text_window.EVENT_END in event


def test_an_id_with_a_blank_reads_the_same_every_time(tmp_path: Path, parts: Parts) -> None:
    """Split at blanks it looks as regular as any other, with part of the tag for a number."""
    head, event, tail = parts
    odd = event.replace(b"<wgt id='a'> 4.5", b"<wgt id='a '9>4.5", 1)
    assert odd != event
    path = tmp_path / "blank.lhe"
    path.write_bytes(head + 3 * odd + tail)
    for compiled in (True, False):
        assert read(path, compiled) == 3


def test_beams_have_an_energy(tmp_path: Path, parts: Parts) -> None:
    head, event, tail = parts
    path = tmp_path / "beams.lhe"
    path.write_bytes(head.replace(b" 6.5e+03", b" nan", 1) + event + tail)
    with pytest.raises(InputError, match=r"line \d+: a beam of energy 'nan'"):
        read(path, True)
