"""Many texts in one piece of memory: a sequence of bytes that costs no object for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, overload

import numpy as np

from crosshook.core.events.layout import IntArray, offsets_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray


class Texts(Sequence[bytes]):
    """n texts; equal to any sequence with the same ones.

    Attributes:
        content: all texts, one after another, uint8; there may be more before and behind them.
        offsets: where each text begins in it, and where the last one ends, `(n + 1,)`.
    """

    def __init__(self, content: NDArray[np.uint8], offsets: IntArray) -> None:
        self.content = content
        self.offsets = offsets

    @classmethod
    def of(cls, texts: Iterable[bytes]) -> Texts:
        """The same texts in this form; without a copy if they are."""
        if isinstance(texts, Texts):
            return texts
        given = list(texts)
        lengths = np.fromiter(map(len, given), np.int64, len(given))
        return cls(np.frombuffer(b"".join(given), np.uint8), offsets_of(lengths))

    @classmethod
    def empty(cls, n: int) -> Texts:
        """n texts without a character."""
        return cls(np.zeros(0, np.uint8), np.zeros(n + 1, np.int64))

    @classmethod
    def concatenate(cls, parts: Sequence[Texts]) -> Texts:
        """The texts of all parts."""
        packed = [part.packed() for part in parts]
        lengths = [np.diff(part.offsets) for part in packed]
        content = np.concatenate([part.content for part in packed])
        return cls(content, offsets_of(np.concatenate(lengths)))

    def packed(self) -> Texts:
        """The same with nothing else in the content; offsets begin at 0."""
        start, stop = int(self.offsets[0]), int(self.offsets[-1])
        return Texts(self.content[start:stop], self.offsets - start)

    @property
    def size(self) -> int:
        """Number of bytes in all texts."""
        return int(self.offsets[-1] - self.offsets[0])

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice | IntArray) -> Texts: ...
    def __getitem__(self, index: int | slice | IntArray) -> bytes | Texts:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1:
                return Texts(self.content, self.offsets[start : max(start, stop) + 1])
            return self[np.arange(start, stop, step)]
        if isinstance(index, np.ndarray):
            whole = self.content.data
            starts, stops = self.offsets[:-1][index].tolist(), self.offsets[1:][index].tolist()
            return Texts.of([bytes(whole[a:b]) for a, b in zip(starts, stops, strict=True)])
        row = range(len(self))[index]
        return self.content[self.offsets[row] : self.offsets[row + 1]].tobytes()

    def __iter__(self) -> Iterator[bytes]:
        packed = self.packed()
        whole = packed.content.tobytes()
        return (whole[a:b] for a, b in pairwise(packed.offsets.tolist()))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Sequence) and not isinstance(other, str | bytes):
            return len(self) == len(other) and all(
                a == b for a, b in zip(self, other, strict=True)
            )
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Texts({list(self)!r})"
