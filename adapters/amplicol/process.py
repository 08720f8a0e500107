"""The process `pyamplicol`: amplitudes that `crosshook process new` left in the cache."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, cast

from crosshook.adapters.amplicol.environment import find_environment
from crosshook.adapters.amplicol.library import Wanted, cached
from crosshook.adapters.amplicol.request import parse
from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.adapters.amplicol.generate import Accuracy
    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.process import Process


def make_pyamplicol(
    context: BuildContext,
    *,
    process: str,
    accuracy: Accuracy,
    parameters: Mapping[str, float],
    phase_space: str,
) -> Process:
    """Builds a process by its name; starts nothing.

    Args:
        context: gives the device.
        process: in words.
        accuracy: of the sum over colours.
        parameters: of the model that differ from pyAmpliCol's.
        phase_space: whose maps, `crosshook` or `madspace`.

    Raises:
        ConfigurationError: if it is no process, or was not generated yet.
        NumericalError: if its amplitudes fail the self-test.
    """
    values = {name: float(value) for name, value in parameters.items()}
    wanted = Wanted(parse(process).text, accuracy, values)
    found = cached(wanted, find_environment(None).version)
    if found is None:
        words = ["crosshook", "process", "new", wanted.process]
        if accuracy != "full":
            words += ["--accuracy", accuracy]
        for name, value in values.items():
            words += ["--parameter", f"{name}={value!r}"]
        message = (
            f"process.pyamplicol.process: {wanted.process!r} is not in the cache; generate it "
            f"first: {shlex.join(words)}"
        )
        raise ConfigurationError(message)
    options = {**found.options, "phase_space": phase_space}
    return cast("Process", context.build("process", {"use": "umami", "options": options}))
