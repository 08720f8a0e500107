"""Removes folders that workers may still be writing to."""

from __future__ import annotations

import time
from contextlib import suppress
from secrets import token_hex
from shutil import rmtree
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

TRIES: Final = 10
PAUSE: Final = 0.01
"""Seconds for a file that is just being made."""


def remove_folder(folder: Path) -> None:
    """Removes a folder, if it is there.

    It is renamed first: what a worker begins to write afterwards finds no folder, where a file that
    turns up during the removal would leave the folder behind.
    """
    gone = folder.with_name(f"{folder.name}.{token_hex(4)}")
    with suppress(OSError):
        folder.rename(gone)
        folder = gone
    for _ in range(TRIES):
        rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
        time.sleep(PAUSE)
