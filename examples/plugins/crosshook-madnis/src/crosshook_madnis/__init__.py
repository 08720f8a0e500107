"""Records of crosshook-madnis.

They are read whenever components are listed, so nothing heavy is imported here.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from crosshook import Capabilities, Component, hookimpl

if TYPE_CHECKING:
    from crosshook.core.interfaces.channel_mapping import ChannelMapping


@hookimpl
def crosshook_channel_mapping() -> "Iterable[Component[ChannelMapping]]":
    """The components that this package brings."""
    return [
        Component(
            name="madnis",
            target="crosshook_madnis.channel_mapping:make",
            summary="the spline flow of the package madnis",
            api=1,
            schema="crosshook_madnis:options.json",
            capabilities=Capabilities(
                differentiable=True,
                conditional=True,
                trainable=True,
                invertible=True,
                stateful=True,
            ),
        )
    ]
