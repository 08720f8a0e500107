"""Bytes of plain and gzip files in blocks; what a damaged gzip file still holds is given first."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self

from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GZIP_MAGIC: Final = b"\x1f\x8b"
PLAIN_BLOCK: Final = 1 << 20
GZIP_BLOCK: Final = 1 << 18
"""Compressed bytes at a time: some MB of text, the size at which readers are fastest."""
GZIP_WINDOW: Final = 31
"""zlib's code for gzip framing with the largest window."""


def is_gzip(path: Path) -> bool:
    """Whether the file begins as gzip files do."""
    with path.open("rb") as file:
        return file.read(2) == GZIP_MAGIC


def text_blocks(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """The file's text, decompressed if need be; several gzip members are one text.

    Raises:
        InputError: after everything readable was given, if the compressed data end early or are
            damaged.
    """
    first = file.read(GZIP_BLOCK)
    if first.startswith(GZIP_MAGIC):
        yield from _members(chain([first], iter(partial(file.read, GZIP_BLOCK), b"")), path)
    else:
        yield from chain([first] if first else [], iter(partial(file.read, PLAIN_BLOCK), b""))


def _members(blocks: Iterator[bytes], path: Path) -> Iterator[bytes]:
    from isal import isal_zlib

    member = None
    for whole in blocks:
        block = whole
        while block:
            if member is None:
                block = block.lstrip(b"\0")  # padding between members, as gzip allows
                if not block:
                    break
                member = isal_zlib.decompressobj(wbits=GZIP_WINDOW)
            try:
                text = member.decompress(block)
            except isal_zlib.error as error:  # type: ignore[misc]  # stubs call it an object
                message = f"{path}: damaged gzip data: {error}"
                raise InputError(message) from error
            if text:
                yield text
            block = b""
            if member.eof:
                block, member = member.unused_data, None
    if member is not None:
        message = f"{path}: truncated: the gzip data end before their end mark"
        raise InputError(message)


class GzipMember:
    """One gzip member being written at the end of a file, the same bytes whenever it is written."""

    def __init__(self, file: BinaryIO, level: int) -> None:
        """Starts the member; `file` is closed with it."""
        from isal import igzip

        self._file = file
        self._gzip: Any = igzip.IGzipFile(  # type: ignore[no-untyped-call]
            filename="", mode="wb", compresslevel=level, fileobj=file, mtime=0
        )

    def write(self, data: bytes) -> int:
        """Compresses and writes."""
        return int(self._gzip.write(data))

    def close(self) -> None:
        """Ends the member and closes the file."""
        try:
            self._gzip.close()
        finally:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
