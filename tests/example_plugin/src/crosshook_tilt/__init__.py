"""The plugin's records: nothing heavy is imported here, so that listing stays fast."""

from collections.abc import Iterable

from crosshook import Capabilities, Component, hookimpl


@hookimpl
def crosshook_channel_mapping() -> Iterable[Component[object]]:
    """One channel mapping."""
    return [
        Component(
            "tilt",
            "crosshook_tilt.mapping:make",
            "leans to small or large values in every dimension",
            schema="crosshook_tilt:options.json",
            capabilities=Capabilities(differentiable=True, invertible=True),
        )
    ]


@hookimpl
def crosshook_executor() -> Iterable[Component[object]]:
    """One executor."""
    return [
        Component(
            "last-first",
            "crosshook_tilt.last_first:make",
            "tasks one after another in this process, the last one first",
        )
    ]
