"""A small file in parts that tests can break, and reading a whole file at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crosshook.adapters.lhe.event_format import LheFormat
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.run_info import RunInfo

HEAD = b"""<LesHouchesEvents version="3.0">
<header>
<slha>
Block MASS # a < b & c
</slha>
<initrwgt>
<weight id='a'>first</weight>
<weight id='b'>second</weight>
</initrwgt>
</header>
<init>
2212 2212 6.5e+03 6.5e+03 0 0 247000 247000 -4 1
4.0e+00 1.0e-01 4.0e+00 7
</init>
"""
EVENT = b"""<event>
 3 7 4.0 9.1e+01 7.5e-03 1.18e-01
 21 -1 0 0 501 502 +0.0e+00 +0.0e+00 +1.5e+02 1.5e+02 0.0e+00 0.0e+00 1.0e+00
 21 -1 0 0 502 501 -0.0e+00 -0.0e+00 -1.5e+02 1.5e+02 0.0e+00 0.0e+00 -1.0e+00
 25 1 1 2 0 0 1.25e+00 -3.0e+00 0.1e+00 3.0e+02 1.25e+02 0. 9.
<rwgt>
<wgt id='a'> 4.5 </wgt>
<wgt id='b'> -3.25e-1 </wgt>
</rwgt>
</event>
"""
TAIL = b"</LesHouchesEvents>\n"

ReadAll = Callable[..., tuple[RunInfo, EventBatch]]
Edit = Callable[[bytes, bytes], Path]


@pytest.fixture
def read_all() -> ReadAll:
    """Reads a file: run information at its end, and all events in one batch."""

    def read(path: Path, batch_size: int = 10_000) -> tuple[RunInfo, EventBatch]:
        with LheFormat(1).read(path, batch_size) as stream:
            batches = list(stream)
            info = stream.info
        return info, EventBatch.concatenate(batches or [EventBatch.empty(info)])

    return read


@pytest.fixture(scope="session")
def parts() -> tuple[bytes, bytes, bytes]:
    """Head, event and end of a small file."""
    return HEAD, EVENT, TAIL


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """Writes a file of three events, the second one with a text replaced."""

    def write(old: bytes, new: bytes) -> Path:
        assert old in EVENT
        path = tmp_path / "events.lhe"
        path.write_bytes(HEAD + EVENT + EVENT.replace(old, new, 1) + EVENT + TAIL)
        return path

    return write
