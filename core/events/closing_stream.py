"""What every reader of event files does alike: it closes its file when a `with` block ends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class ClosingStream(ABC):
    """An open event file; see `EventStream`."""

    @abstractmethod
    def _close(self) -> None:
        """Closes what is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()
