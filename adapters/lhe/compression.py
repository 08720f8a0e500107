"""Text of plain, gzip and zstd files in blocks; what a damaged file still holds is given first."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple, cast

from crosshook.core.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

GZIP_MAGIC: Final = b"\x1f\x8b"
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
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
    blocks = chain([first], iter(partial(file.read, GZIP_BLOCK), b""))
    if first.startswith(GZIP_MAGIC):
        from isal import isal_zlib

        # isal's stubs call its exception an object.
        failure = cast("type[Exception]", isal_zlib.error)
        start = partial(isal_zlib.decompressobj, wbits=GZIP_WINDOW)
        yield from _members(blocks, path, Compression("gzip", start, failure))
    elif first.startswith(ZSTD_MAGIC):
        yield from _members(blocks, path, _zstd(path))
    else:
        yield from chain([first] if first else [], iter(partial(file.read, PLAIN_BLOCK), b""))


class Compression(NamedTuple):
    """A kind of compressed data: its name, what decompresses a member, what that raises."""

    name: str
    start: Callable[[], Any]
    failure: type[Exception]


def _zstd(path: Path) -> Compression:
    try:
        import zstandard
    except ImportError as error:
        message = (
            f"{path}: reading zstd needs zstandard: pip install zstandard (extra crosshook[zstd])"
        )
        raise ConfigurationError(message) from error
    return Compression("zstd", zstandard.ZstdDecompressor().decompressobj, zstandard.ZstdError)


def _members(blocks: Iterator[bytes], path: Path, kind: Compression) -> Iterator[bytes]:
    member = None
    for whole in blocks:
        block = whole
        while block:
            if member is None:
                block = block.lstrip(b"\0")  # padding between members, as gzip allows
                if not block:
                    break
                member = kind.start()
            try:
                text = member.decompress(block)
            except kind.failure as error:
                message = f"{path}: damaged {kind.name} data: {error}"
                raise InputError(message) from error
            if text:
                yield text
            block = b""
            if member.eof:
                block, member = member.unused_data, None
    if member is not None:
        message = f"{path}: truncated: the {kind.name} data end before their end mark"
        raise InputError(message)
