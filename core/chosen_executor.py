"""The executor of a run that is there already: that of its file, or another one by flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from crosshook.core.component import Slot
from crosshook.core.errors import ConfigurationError
from crosshook.core.resolved_document import options_gathered
from crosshook.core.run_document import apply_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crosshook.core.registry import Registry

KEY = "executor"


def chosen_executor(
    slot: Slot, settings: Sequence[str], workers: int | None, registry: Registry
) -> Slot:
    """Which executor computes.

    Args:
        slot: as the run has it; its options stay unless another component is named.
        settings: `executor=NAME`, `executor.use=NAME` or `executor.KEY=VALUE`, and no other keys: no
            result depends on these.
        workers: processes, of this machine unless an executor is named; None for what it says.
        registry: knows the executors.

    Raises:
        ConfigurationError: if there are no workers, or a setting or option is not allowed.
        RegistryError: if there is no such executor.
    """
    if workers is not None and workers < 1:
        message = f"workers: {workers} is less than 1"
        raise ConfigurationError(message)
    names = [setting.partition("=")[0] for setting in settings]
    for setting, name in zip(settings, names, strict=True):
        if name.partition(".")[0] != KEY:
            message = f"--set {setting}: the run is settled; its executor alone may be another"
            raise ConfigurationError(message)
    if settings:
        named = KEY in names or f"{KEY}.use" in names
        document: dict[str, object] = {} if named else {KEY: slot.as_dict()}
        apply_settings(document, settings)
        given = document[KEY]
        if isinstance(given, dict) and "use" in given:
            given = options_gathered(given)
        slot = Slot.parse(cast("str | Mapping[str, object]", given))
    if workers is not None:
        if slot.use == "serial":
            slot = Slot("processes")
        slot = Slot(slot.use, {**slot.options, "workers": workers})
    return Slot(slot.use, registry.options(KEY, slot, KEY))
