"""Says on a terminal that readers and writers are being compiled: half a minute without a sign of life.

numba keeps what it compiled on disk, so that this is met once on a machine, and again after an update.
"""

from __future__ import annotations

import sys
from functools import cache
from multiprocessing import parent_process
from typing import Any, Final

from numba.core.event import Listener, register

PACKAGE: Final = __name__.rpartition(".")[0]
NOTICE: Final = (
    "compiling what reads and writes LHE files: up to half a minute, this once on this machine"
)


class _Notice(Listener):
    """Hears of everything numba compiles, and speaks once, of this package."""

    said = False

    def on_start(self, event: Any) -> None:
        """A function was not found on disk."""
        compiled = event.data["dispatcher"].py_func.__module__
        if not self.said and compiled.startswith(f"{PACKAGE}."):
            self.said = True
            print(NOTICE, file=sys.stderr, flush=True)

    def on_end(self, event: Any) -> None:
        """Nothing to say."""


@cache
def announce_compilation() -> None:
    """From now on a line on stderr, if that is a terminal, when this process begins to compile.

    To be called before a module with compiled functions is imported; workers say nothing.
    """
    if parent_process() is None and sys.stderr is not None and sys.stderr.isatty():
        register("numba:compile", _Notice())  # type: ignore[no-untyped-call]
