"""Temporary files: gone after any failure, whatever the writer was doing."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from crosshook.core.errors import OutputError
from crosshook.core.events.staging import StagedFile

if TYPE_CHECKING:
    from pathlib import Path


def test_discarding_removes_every_temporary_file(tmp_path: Path) -> None:
    staged = StagedFile(tmp_path / "events.lhe")
    further = staged.beside("body")
    further.touch()
    assert staged.path.exists()
    staged.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    staged = StagedFile(tmp_path / "events.root")
    with (
        pytest.raises(OutputError, match=r"events\.root: cannot be written: full"),
        staged.opening(),
    ):
        raise OSError(errno.ENOSPC, "full")
    assert list(tmp_path.iterdir()) == []


def test_other_errors_pass(tmp_path: Path) -> None:
    staged = StagedFile(tmp_path / "events.root")
    with pytest.raises(KeyboardInterrupt), staged.opening():
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
