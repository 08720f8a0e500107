"""Parts of events on disk: back as they were, without pickles, whole or not at all."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.core.errors import OutputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.layout import EVENT_COLUMNS, PARTICLE_COLUMNS
from crosshook.core.events.parts import load_part, save_part
from crosshook.core.events.run_info import RunInfo, WeightInfo
from crosshook.core.events.texts import Texts

if TYPE_CHECKING:
    from pathlib import Path

INFO = RunInfo(weights=(WeightInfo("1001"), WeightInfo("1002")))


def _batch(n: int) -> EventBatch:
    rng = np.random.default_rng(n)
    counts = rng.integers(2, 6, n)
    total = int(counts.sum())
    event = {name: rng.integers(0, 9, n).astype(kind) for name, kind in EVENT_COLUMNS.items()}
    particles = {
        name: (rng.normal(size=total) * 100).astype(kind)
        for name, kind in PARTICLE_COLUMNS.items()
    }
    return EventBatch.from_columns(INFO, counts, event, particles, rng.normal(size=(n, 2)))


@pytest.mark.parametrize("n", [0, 1, 50])
def test_round_trip(n: int, tmp_path: Path) -> None:
    batch, path = _batch(n), tmp_path / "block-000007.npz"
    save_part(path, batch)
    assert list(tmp_path.iterdir()) == [path]
    back = load_part(path, INFO)
    np.testing.assert_array_equal(back.counts, batch.counts)
    np.testing.assert_array_equal(back.weights, batch.weights)
    for mine, theirs in (
        (back.event, batch.event),
        (back.particle_columns, batch.particle_columns),
    ):
        assert list(mine) == list(theirs)
        for name, column in theirs.items():
            assert mine[name].dtype == column.dtype
            np.testing.assert_array_equal(mine[name], column)
    assert back.info is INFO


def test_texts_and_missing_weights_come_back(tmp_path: Path) -> None:
    path, batch = tmp_path / "part.npz", _batch(7)
    present = np.random.default_rng(7).random((7, 2)) < 0.5
    texts = Texts.of([b"", b"<mgrwt>\n", "é".encode(), b"", b"\0", b"x" * 300, b""])
    whole = replace(batch, present=present, raw={"extra": texts, "before": Texts.empty(7)})
    save_part(path, whole[2:])
    back = load_part(path, INFO)
    assert back.raw == {"extra": texts[2:], "before": Texts.empty(5)}
    assert back.present is not None
    np.testing.assert_array_equal(back.present, present[2:])


def test_no_pickles(tmp_path: Path) -> None:
    path = tmp_path / "evil.npz"
    np.savez(path, counts=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        load_part(path, INFO)
    save_part(path, _batch(3))
    with zipfile.ZipFile(path) as archive:
        assert all(name.endswith(".npy") for name in archive.namelist())


def test_unwritable(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "block-000000.npz"
    with pytest.raises(OutputError) as caught:
        save_part(path, _batch(3))
    assert str(caught.value) == f"{path}: cannot be written: No such file or directory"
    assert list(tmp_path.iterdir()) == []
