"""crosshook: a socket between LHC event generators and learned components.

The public names below load on first use, so that `import crosshook` stays light.
"""

import importlib
from typing import TYPE_CHECKING

if __name__ != "crosshook":
    _message = (
        f"this folder is the package crosshook and was imported as {__name__!r}; "
        "install crosshook and import it by that name"
    )
    raise ImportError(_message)

if TYPE_CHECKING:
    from crosshook.core.component import Capabilities, Component, hookimpl
    from crosshook.core.errors import CrosshookError
    from crosshook.core.registry import Registry, default_registry

__version__ = "0.1.0"

_HOMES = {
    "Capabilities": "crosshook.core.component",
    "Component": "crosshook.core.component",
    "CrosshookError": "crosshook.core.errors",
    "Registry": "crosshook.core.registry",
    "default_registry": "crosshook.core.registry",
    "hookimpl": "crosshook.core.component",
}

__all__ = [
    "Capabilities",
    "Component",
    "CrosshookError",
    "Registry",
    "__version__",
    "default_registry",
    "hookimpl",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        message = f"module 'crosshook' has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
