"""Reads whole files and compares batches to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import open_events
from crosshook.core.events.run_info import RunInfo

if TYPE_CHECKING:
    from pathlib import Path

ReadAll = Callable[..., tuple[RunInfo, EventBatch]]


@pytest.fixture
def read_all() -> ReadAll:
    """Reads a file of any format: run information at its end, and all events."""

    def read(path: Path, batch_size: int = 10_000) -> tuple[RunInfo, EventBatch]:
        with open_events(path, batch_size) as stream:
            batches = list(stream)
            info = stream.info
        return info, EventBatch.concatenate(batches or [EventBatch.empty(info)])

    return read


@pytest.fixture
def assert_same() -> Callable[[EventBatch, EventBatch], None]:
    """Every column, weight and text is identical."""

    def check(ours: EventBatch, theirs: EventBatch) -> None:
        assert ours.counts.tolist() == theirs.counts.tolist()
        for mine, other in (
            (ours.event, theirs.event),
            (ours.particle_columns, theirs.particle_columns),
        ):
            assert mine.keys() == other.keys() or not len(ours)
            for name in mine:
                np.testing.assert_array_equal(mine[name], other[name], name, strict=True)
                np.testing.assert_array_equal(np.signbit(mine[name]), np.signbit(other[name]))
        np.testing.assert_array_equal(ours.weights, theirs.weights)
        assert ours.raw == theirs.raw
        if ours.present is None or theirs.present is None:
            assert ours.present is theirs.present
        else:
            np.testing.assert_array_equal(ours.present, theirs.present)

    return check
