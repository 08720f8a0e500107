"""Handles: one handle of a library per thread, given back when the thread or the process ends."""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Mapping

    from crosshook.adapters.umami.library import Library


class _Handle:
    """A handle that frees itself."""

    def __init__(self, library: Library, card: str, parameters: Mapping[str, float]) -> None:
        self.pointer: ctypes.c_void_p = library.initialize(card)
        weakref.finalize(self, library.free, self.pointer)
        for name, value in parameters.items():
            library.set_parameter(self.pointer, name, value)


@dataclass(frozen=True)
class Handles:
    """The handles of one library with one card.

    Attributes:
        library: whose they are.
        card: what they are initialised with.
        parameters: model parameters set in each.
    """

    library: Library
    card: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    _local: threading.local = field(default_factory=threading.local, repr=False)

    def mine(self) -> ctypes.c_void_p:
        """That of this thread, made when it is first asked for."""
        handle: _Handle | None = getattr(self._local, "handle", None)
        if handle is None:
            handle = _Handle(self.library, self.card, self.parameters)
            self._local.handle = handle
        return handle.pointer
