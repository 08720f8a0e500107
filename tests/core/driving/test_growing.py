"""Events out of a file that grows: in time, complete, and without threads left behind."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from crosshook.core.driving.growing import GrowingEvents
from crosshook.core.errors import InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import open_events

DATA = Path(__file__).parents[2] / "data" / "lhe" / "sherpa_wjj.lhe.gz"
REPEATED = 20
PATIENCE = 0.5


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A file of 40 events."""
    import gzip

    return gzip.decompress(DATA.read_bytes())


def finished(path: Path) -> EventBatch:
    with open_events(path) as stream:
        return EventBatch.concatenate(list(stream))


def test_events_come_while_the_file_grows(text: bytes, tmp_path: Path) -> None:
    """The first ones are there before the rest is written; in the end it is the whole file.

    The scanner is loaded already then, as it is in any run that is long enough to be watched, and
    readers take a quarter of a megabyte before they begin.
    """
    pytest.importorskip("crosshook.adapters.lhe.scanner")
    begin, end = text.index(b"<event"), text.index(b"</LesHouchesEvents>")
    events_text = text[begin:end] * REPEATED
    path = tmp_path / "events.lhe"
    over = threading.Event()
    taken: list[EventBatch] = []
    half = len(events_text) // 2
    assert half > 1 << 18
    with GrowingEvents(path, over.is_set, 5) as events:
        stream = events.batches(0.02)
        assert next(stream) is None  # no file yet
        path.write_bytes(text[:begin] + events_text[:half])
        while not taken:
            taken += [b for b in [next(stream)] if b is not None]
        assert not over.is_set()
        with path.open("ab") as file:
            file.write(events_text[half:] + text[end:])
        over.set()
        taken += [b for b in stream if b is not None]
    weight = np.concatenate([b.event["weight"] for b in taken])
    np.testing.assert_array_equal(weight, np.tile(finished(DATA).event["weight"], REPEATED))
    assert not [t for t in threading.enumerate() if t.name.startswith("events_")]


@pytest.mark.parametrize("there", [False, True])
def test_a_file_that_is_none(tmp_path: Path, there: bool) -> None:
    """Missing at the end, or cut: an error with the file's own name."""
    path = tmp_path / "events.lhe"
    if there:
        path.write_bytes(b"<LesHouchesEvents version='3.0'>\n<init>\n")
    with (
        pytest.raises(InputError, match=str(path)),
        GrowingEvents(path, lambda: True, 5) as events,
    ):
        list(events.batches(0.1))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """The reason is the system's, not that events are missing."""
    path = tmp_path / "events.lhe"
    path.mkdir()
    with (
        pytest.raises(InputError, match=f"{path}: cannot be read: Is a directory"),
        GrowingEvents(path, lambda: False, 5) as events,
    ):
        list(events.batches(0.1))


@pytest.mark.parametrize("written", [False, True])
def test_threads_end_when_the_caller_leaves(text: bytes, tmp_path: Path, written: bool) -> None:
    """With nothing to read, and with a reader that waits for more."""
    path = tmp_path / "events.lhe"
    if written:
        path.write_bytes(text)
    with GrowingEvents(path, lambda: False, 1) as events:
        assert next(events.batches(PATIENCE)) is None
    assert not [t for t in threading.enumerate() if t.name.startswith("events_")]
