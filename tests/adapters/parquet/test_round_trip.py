"""Parquet files: LHE → Parquet → LHE loses nothing; pyarrow missing is said clearly."""

from __future__ import annotations

import builtins
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crosshook.core.convert import convert
from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.events.files import create_events, open_events

if TYPE_CHECKING:
    from collections.abc import Callable

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo

    ReadAll = Callable[..., tuple[RunInfo, EventBatch]]
    Same = Callable[[EventBatch, EventBatch], None]

pq = pytest.importorskip("pyarrow.parquet")
EXCERPTS = sorted((Path(__file__).parents[2] / "data" / "lhe").iterdir())


@pytest.mark.parametrize("path", EXCERPTS, ids=lambda p: p.name)
def test_lhe_to_parquet_to_lhe_loses_nothing(
    tmp_path: Path, path: Path, read_all: ReadAll, assert_same: Same
) -> None:
    info, events = read_all(path)
    parquet, back = tmp_path / "events.parquet", tmp_path / "back.lhe"
    convert([path], parquet)
    info_parquet, events_parquet = read_all(parquet, 7)
    assert info_parquet == info
    assert_same(events, events_parquet)
    convert([parquet], back)
    info_back, events_back = read_all(back)
    assert replace(info_back, version=info.version) == info
    assert_same(events, events_back)


def test_many_row_groups(
    tmp_path: Path, read_all: ReadAll, assert_same: Same, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crosshook.adapters.parquet.writer.ROW_GROUP", 16)
    info, events = read_all(next(p for p in EXCERPTS if p.name == "sherpa_wjj.lhe.gz"))
    path = tmp_path / "events.parquet"
    with create_events(path, info, options={"codec": "lz4"}) as writer:
        for start in range(0, len(events), 9):
            writer.write(events[start : start + 9])
    assert pq.ParquetFile(path).num_row_groups > 2
    assert_same(events, read_all(path, 11)[1])


def test_a_truncated_file_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    convert([next(p for p in EXCERPTS if p.name == "sherpa_wjj.lhe.gz")], path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=f"{path}: cannot be read"):
        open_events(path)


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: object) -> object:
        if name.split(".", maxsplit=1)[0] == "pyarrow":
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    source = next(p for p in EXCERPTS if p.name == "sherpa_wjj.lhe.gz")
    with pytest.raises(
        ConfigurationError, match=r"pip install pyarrow .extra crosshook\[parquet\]"
    ):
        convert([source], tmp_path / "events.parquet")
