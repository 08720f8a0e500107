"""Formats are found by extension, else by first bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crosshook.core.errors import InputError, OutputError
from crosshook.core.events.files import create_events, format_of_name, open_events

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.events.batch import EventBatch


@pytest.mark.parametrize("name", ["events.lhe.gz", "events.lhe", "events.root", "events.parquet"])
def test_names_and_first_bytes(tmp_path: Path, batch: EventBatch, name: str) -> None:
    path = tmp_path / name
    with create_events(path, batch.info) as writer:
        writer.write(batch)
    with open_events(path) as stream:
        assert sum(map(len, stream)) == len(batch)
    hidden = path.rename(tmp_path / "events")
    with open_events(hidden) as stream:
        assert sum(map(len, stream)) == len(batch)


@pytest.mark.parametrize("name", ["events.lhe.gz", "events.lhe", "events.root", "events.parquet"])
def test_an_error_leaves_nothing_behind(tmp_path: Path, batch: EventBatch, name: str) -> None:
    def interrupted() -> None:
        with create_events(tmp_path / name, batch.info) as writer:
            writer.write(batch)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["events.lhe.gz", "events.lhe", "events.root", "events.parquet"])
def test_overwriting_is_asked_for(tmp_path: Path, batch: EventBatch, name: str) -> None:
    path = tmp_path / name
    path.write_text("precious")
    with pytest.raises(OutputError, match="exists already"):
        create_events(path, batch.info)
    with create_events(path, batch.info, overwrite=True) as writer:
        writer.write(batch)
        assert path.read_text() == "precious"
    with open_events(path) as stream:
        assert sum(map(len, stream)) == len(batch)
    assert list(tmp_path.iterdir()) == [path]


def test_unknown_formats_are_named(tmp_path: Path, batch: EventBatch) -> None:
    assert format_of_name(tmp_path / "EVENTS.LHE.GZ") == "lhe"
    with pytest.raises(OutputError, match=r"no event format has this extension.*\.lhe\.gz"):
        create_events(tmp_path / "events.csv", batch.info)
    with pytest.raises(OutputError, match="there is no folder"):
        create_events(tmp_path / "nowhere" / "events.lhe", batch.info)
    with pytest.raises(InputError, match="there is no such file"):
        open_events(tmp_path / "events.lhe")
    with pytest.raises(InputError, match="is a folder"):
        open_events(tmp_path)
    (tmp_path / "events.lhe").touch()
    with pytest.raises(InputError, match="is empty"):
        open_events(tmp_path / "events.lhe")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(InputError, match="of no known event format"):
        open_events(tmp_path / "text")


@pytest.mark.parametrize("name", ["x.root", "x.parquet", "x.lhe", "x.lhe.gz"])
@pytest.mark.parametrize("content", [b"", b"hello world", b"root\x00\x01PAR1\x1f\x8b" * 40])
def test_files_that_are_not_what_they_claim(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=str(path)):
        open_events(path)
