"""Bytes of plain, gzip and zstd files in blocks of bounded size, decompressed ahead of their use.

What a damaged or truncated file still holds is given first, the error after it.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Protocol

from crosshook.core.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

GZIP_MAGIC: Final = b"\x1f\x8b"
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
BLOCK: Final = 1 << 21
"""Bytes of text at a time: readers are fastest while a block fits into the processor's cache. No
matter how much a file expands, blocks are not longer."""
COMPRESSED: Final = 1 << 18
"""Bytes of compressed data at a time."""
GZIP_WINDOW: Final = 31
"""zlib's code for gzip framing with the largest window."""
ZSTD_WINDOW: Final = 1 << 27
"""Bytes a zstd file may ask for, zstd's own default limit."""
AHEAD: Final = 3
"""Blocks that wait for the reader at most."""


class Source(Protocol):
    """What text comes from: a file or standard input."""

    def read(self, size: int, /) -> bytes:
        """So many bytes, fewer only at the end."""
        ...


def text_blocks(file: Source, path: Path) -> Generator[bytes]:
    """The file's text, decompressed if need be; several members are one text.

    Args:
        file: is not sought in, so that it may be a pipe.
        path: for messages.

    Raises:
        InputError: after everything readable was given, if the compressed data end early or are
            damaged.
    """
    first = file.read(COMPRESSED)
    rest = iter(partial(file.read, COMPRESSED), b"")
    if first.startswith(GZIP_MAGIC):
        blocks = _gzip(chain([first], rest), path)
    elif first.startswith(ZSTD_MAGIC):
        blocks = _zstd(_Rejoined(first, file), path)
    else:
        yield from chain([first] if first else [], iter(partial(file.read, BLOCK), b""))
        return
    yield from ahead(blocks) if len(first) == COMPRESSED else blocks


def _gzip(compressed: Iterator[bytes], path: Path) -> Iterator[bytes]:
    from isal import isal_zlib

    member = None
    for part in compressed:
        data = part
        while data or member is not None:
            if member is None:
                data = data.lstrip(b"\0")  # padding between members, as gzip allows
                if not data:
                    break
                member = isal_zlib.decompressobj(wbits=GZIP_WINDOW)
            try:
                text = member.decompress(data, BLOCK)
            except isal_zlib.error as error:  # type: ignore[misc]  # stubs call it an object
                message = f"{path}: damaged gzip data: {error}"
                raise InputError(message) from error
            if text:
                yield text
            if member.eof:
                data, member = member.unused_data, None
                continue
            data = member.unconsumed_tail
            if not data and len(text) < BLOCK:
                break
    if member is not None:
        message = f"{path}: truncated: the gzip data end before their end mark"
        raise InputError(message)


class _Rejoined:
    """A source of which the first bytes were read already."""

    def __init__(self, first: bytes, rest: Source) -> None:
        self._first, self._rest = first, rest

    def read(self, size: int = -1) -> bytes:
        """The first bytes, then the others."""
        first, self._first = self._first, b""
        return first or self._rest.read(size)


def _zstd(compressed: Source, path: Path) -> Iterator[bytes]:
    try:
        import zstandard
    except ImportError as error:
        message = (
            f"{path}: reading zstd needs zstandard: pip install zstandard (extra crosshook[zstd])"
        )
        raise ConfigurationError(message) from error
    # Its stubs ask for a file; what it calls is `read`.
    decompressor: Any = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
    reader = decompressor.stream_reader(compressed, read_size=COMPRESSED, read_across_frames=True)
    try:
        yield from iter(partial(reader.read, BLOCK), b"")
    except zstandard.ZstdError as error:
        message = f"{path}: damaged zstd data: {error}"
        raise InputError(message) from error


def ahead(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same blocks, made by a thread of their own from the second one on.

    The thread ends with the blocks, or when this iterator is closed or forgotten.
    """
    first = next(blocks, b"")
    if not first:
        return
    yield first
    pool = ThreadPoolExecutor(1, "decompression")
    try:
        waiting = deque(pool.submit(next, blocks, b"") for _ in range(AHEAD))
        while block := waiting.popleft().result():
            waiting.append(pool.submit(next, blocks, b""))
            yield block
    finally:
        pool.shutdown(cancel_futures=True)
