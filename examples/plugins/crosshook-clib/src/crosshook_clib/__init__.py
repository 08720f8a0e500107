"""Records of crosshook-clib.

They are read whenever components are listed, so nothing heavy is imported here.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from crosshook import Component, hookimpl

if TYPE_CHECKING:
    from crosshook.core.interfaces.process import Process


@hookimpl
def crosshook_process() -> "Iterable[Component[Process]]":
    """The components that this package brings."""
    return [
        Component(
            name="clib",
            target="crosshook_clib.process:make",
            summary="e+e- → γγ with |M|² from a compiled library",
            api=1,
            schema="crosshook_clib:options.json",
        )
    ]
