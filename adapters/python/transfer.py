"""The transfer function `python`: a class in a user's file."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from crosshook.adapters.python.target import load_function
from crosshook.core.errors import ConfigurationError, brief

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.transfer_function import TransferFunction

METHODS = ("log_prob", "sample", "log_acceptance")


def make_transfer(
    context: BuildContext, *, function: str, arguments: Mapping[str, object]
) -> TransferFunction:
    """Builds the transfer function.

    Args:
        context: unused: arrays live where the events do.
        function: `module:class` or `path/file.py:class`.
        arguments: what the class is called with, by keyword.

    Raises:
        ConfigurationError: if there is no such class, or what it gives is no transfer function.
    """
    made = load_function(function, "transfer.options.function")
    try:
        built = made(**arguments)
    except Exception as error:  # whatever a stranger's class raises
        message = f"transfer.options.arguments: {function} raised {brief(error)}"
        raise ConfigurationError(message) from error
    missing = [name for name in METHODS if not callable(getattr(built, name, None))]
    if missing:
        message = (
            f"transfer.options.function: {function} gives a {type(built).__name__} without "
            f"{', '.join(missing)}"
        )
        raise ConfigurationError(message)
    return cast("TransferFunction", built)
