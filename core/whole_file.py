"""Small files written complete or not at all: under a temporary name beside their own, then renamed.

Event files, which are written over a long time, have `crosshook.core.events.staging`.
"""

from __future__ import annotations

from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING

from crosshook.core.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> None:
    """Writes a file.

    Args:
        path: of the file; its folder is made if missing, and a file already there is replaced.
        content: text goes as UTF-8.

    Raises:
        OutputError: if it cannot be written.
    """
    # A name of its own: two workers may write the same file at a time.
    part = path.with_name(f"{path.name}.{token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        message = f"{path}: cannot be written: {error.strerror}"
        raise OutputError(message) from error
