"""Writes text plain, as gzip or as zstd: the same bytes for the same text, however it comes.

A file is a sequence of members, each compressed on its own: readers take them as one text. Long
members may be compressed by a thread of their own, beside the one that makes the text.
"""

from __future__ import annotations

from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BLOCK: Final = 1 << 20
"""Bytes of text compressed at a time; fixed, so that the result does not depend on the pieces."""
WAITING: Final = 4
"""Blocks that may wait for compression."""
GZIP_WINDOW: Final = 31
"""zlib's code for gzip framing with the largest window."""
GZIP_BEGIN: Final = 8
"""Bytes of text in the first block of a gzip member: at least 4, at most 16 (`Gzip`)."""
ZSTD_LEVEL: Final = 1
"""On the digits of events faster and smaller than the next levels, and smaller than gzip."""


class Compressor(Protocol):
    """Compresses one member."""

    def compress(self, data: bytes, /) -> bytes:
        """What can be written by now."""
        ...

    def flush(self) -> bytes:
        """The rest."""
        ...


class Uncompressed:
    """Leaves text as it is."""

    def compress(self, data: bytes) -> bytes:
        """The same."""
        return data

    def flush(self) -> bytes:
        """Nothing."""
        return b""


class Gzip:
    """isal's gzip, made to give the same bytes every time.

    At the beginning of a text, levels 1 and 2 of ISA-L 2.32 hash a register that nobody has set
    (`write_first_byte`) and that holds the address of the compressor. One member of about 4000 lost
    a repetition of its first bytes by it, and was a few bytes longer. `GZIP_BEGIN` bytes are too
    few for that code; they go in a block of their own, and the rest is no beginning any more.
    """

    def __init__(self, level: int) -> None:
        """Begins a member."""
        from isal import isal_zlib

        self._stream = isal_zlib.compressobj(level, wbits=GZIP_WINDOW)
        self._end_of_block = isal_zlib.Z_SYNC_FLUSH
        self._begun = False

    def compress(self, data: bytes) -> bytes:
        """What can be written by now."""
        if self._begun or not data:
            return self._stream.compress(data)
        self._begun = True
        first = self._stream.compress(data[:GZIP_BEGIN]) + self._stream.flush(self._end_of_block)
        return first + self._stream.compress(memoryview(data)[GZIP_BEGIN:])

    def flush(self) -> bytes:
        """The rest."""
        return self._stream.flush()


def compression_of(path: Path, level: int) -> Callable[[], Compressor]:
    """What makes compressors for a file of this name.

    Args:
        path: ends in `.gz` for gzip, in `.zst` for zstd.
        level: of gzip, isal's, 0 to 3.

    Raises:
        ConfigurationError: if zstd is asked for and zstandard is not installed.
    """
    if path.suffix.lower() == ".gz":
        return lambda: Gzip(level)
    if path.suffix.lower() == ".zst":
        try:
            import zstandard
        except ImportError as error:
            message = (
                f"{path}: writing zstd needs zstandard: "
                "pip install zstandard (extra crosshook[zstd])"
            )
            raise ConfigurationError(message) from error
        return lambda: zstandard.ZstdCompressor(ZSTD_LEVEL).compressobj()
    return Uncompressed


def compressed(text: bytes, compressor: Compressor) -> bytes:
    """A whole member."""
    return compressor.compress(text) + compressor.flush()


class Member:
    """One member being written at the end of a file."""

    def __init__(self, file: BinaryIO, compressor: Compressor, *, beside: bool) -> None:
        """Starts it.

        Args:
            file: stays open at its end.
            compressor: makes the bytes, which are the same either way.
            beside: compress in a thread of its own.
        """
        self._file = file
        self._compressor = compressor
        self._beside = beside
        self._rest = bytearray()
        self._blocks: Queue[bytes | None] = Queue(WAITING)
        self._thread: Thread | None = None
        self._error: OSError | None = None

    def write(self, text: bytes | memoryview) -> None:
        """Appends text.

        Raises:
            OSError: if it, or text before it, could not be written.
        """
        if isinstance(self._compressor, Uncompressed):
            self._file.write(text)
            return
        self._rest += text
        while len(self._rest) >= BLOCK:
            self._hand_over(bytes(self._rest[:BLOCK]))
            del self._rest[:BLOCK]

    def _hand_over(self, block: bytes) -> None:
        if not self._beside:
            self._file.write(self._compressor.compress(block))
            return
        if self._error is not None:
            raise self._error
        if self._thread is None:
            self._thread = Thread(target=self._work, name="compression", daemon=True)
            self._thread.start()
        self._blocks.put(block)

    def _work(self) -> None:
        while (block := self._blocks.get()) is not None:
            if self._error is not None:
                continue  # the other side may be waiting for a free place
            try:
                self._file.write(self._compressor.compress(block))
            except OSError as error:
                self._error = error

    def _wait(self) -> None:
        if self._thread is not None:
            self._blocks.put(None)
            self._thread.join()
            self._thread = None

    def close(self) -> None:
        """Ends the member.

        Raises:
            OSError: if it could not be written.
        """
        self._wait()
        if self._error is not None:
            raise self._error
        self._file.write(self._compressor.compress(bytes(self._rest)) + self._compressor.flush())
        self._rest.clear()

    def abandon(self) -> None:
        """Lets go of the thread; the member is left incomplete."""
        self._wait()
