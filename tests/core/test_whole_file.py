"""Small files are there whole, whoever writes them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from crosshook.core.errors import OutputError
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from pathlib import Path


def test_two_who_write_the_same_file(tmp_path: Path) -> None:
    """Each replaces the other's file by a whole one; nothing else is left."""
    path = tmp_path / "part.bin"
    contents = [bytes([number]) * 100_000 for number in range(2)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda i: write_whole(path, contents[i % 2]), range(200)))
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    """What cannot be replaced is told, and nothing is left beside it."""
    path = tmp_path / "taken"
    path.mkdir()
    with pytest.raises(OutputError, match="taken: cannot be written"):
        write_whole(path, "text")
    assert list(tmp_path.iterdir()) == [path]
