"""Records of crosshook-csv.

They are read whenever components are listed, so nothing heavy is imported here.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from crosshook import Component, hookimpl

if TYPE_CHECKING:
    from crosshook.core.interfaces.event_format import EventFormat


@hookimpl
def crosshook_event_format() -> "Iterable[Component[EventFormat]]":
    """The components that this package brings."""
    return [
        Component(
            name="csv",
            target="crosshook_csv.event_format:make",
            summary="one row a particle, for spreadsheets and pandas",
            api=1,
        )
    ]
