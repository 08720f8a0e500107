"""A folder is removed for good while somebody writes to it."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from threading import Event, Thread
from typing import TYPE_CHECKING

from crosshook.core.removed_folder import remove_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_that_is_written_to(tmp_path: Path) -> None:
    stop = Event()

    def write() -> None:
        numbers = count()
        while not stop.is_set():
            with suppress(FileNotFoundError):
                (tmp_path / "work" / str(next(numbers))).touch()

    writer = Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            (tmp_path / "work").mkdir()
            for name in range(200):  # that it takes a while
                (tmp_path / "work" / f"old-{name}").touch()
            remove_folder(tmp_path / "work")
            assert not list(tmp_path.iterdir())
    finally:
        stop.set()
        writer.join()


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    remove_folder(tmp_path / "nowhere")
    assert not list(tmp_path.iterdir())
