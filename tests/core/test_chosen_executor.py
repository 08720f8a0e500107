"""Another executor for a run that is there: by name, by options, by a number of workers."""

from __future__ import annotations

import pytest

from crosshook.core.chosen_executor import chosen_executor
from crosshook.core.component import Slot
from crosshook.core.errors import ConfigurationError, RegistryError
from crosshook.core.registry import default_registry

CLUSTER = Slot("dask", {"address": "tcp://node7:8786", "time_limit": 60})


@pytest.mark.parametrize(
    ("slot", "settings", "workers", "use", "options"),
    [
        (Slot("serial"), (), 2, "processes", {"workers": 2, "attempts": 5}),
        (Slot("serial"), ("executor=processes",), None, "processes", {"workers": None}),
        (CLUSTER, (), 3, "dask", {"workers": 3, "address": "tcp://node7:8786"}),
        (CLUSTER, ("executor=processes",), 3, "processes", {"workers": 3, "time_limit": None}),
        (CLUSTER, ("executor.use=serial",), None, "serial", {}),
        (CLUSTER, ("executor.address=tcp://b:1",), None, "dask", {"address": "tcp://b:1"}),
        (
            Slot("serial"),
            ("executor.use=dask", "executor.options.address=tcp://b:1"),
            None,
            "dask",
            {"address": "tcp://b:1", "time_limit": None},
        ),
    ],
)
def test_another_executor(
    slot: Slot,
    settings: tuple[str, ...],
    workers: int | None,
    use: str,
    options: dict[str, object],
) -> None:
    found = chosen_executor(slot, settings, workers, default_registry())
    assert found.use == use
    assert options.items() <= found.options.items()


def test_what_is_not_allowed() -> None:
    for setting, kind, told in (
        ("seed=3", ConfigurationError, "--set seed=3: the run is settled"),
        ("executor.options.worker=3", ConfigurationError, "did you mean workers"),
        ("executor=proceses", RegistryError, "did you mean processes"),
    ):
        with pytest.raises(kind, match=told):
            chosen_executor(Slot("processes"), (setting,), None, default_registry())
    with pytest.raises(ConfigurationError, match="workers: 0 is less than 1"):
        chosen_executor(Slot("serial"), (), 0, default_registry())
