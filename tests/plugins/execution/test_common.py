"""What tasks have in common: found by comparison, noticed when it changes."""

from __future__ import annotations

import torch

from crosshook.core.interfaces.executor import Task
from crosshook.plugins.execution.common import LARGE, CommonArguments

TABLE = torch.arange(4)
LONG = "x" * LARGE


def _task(number: int, function: str = "m:f", **arguments: object) -> Task:
    return Task(number, function, {"table": TABLE, "block": number, **arguments})


def test_what_the_next_task_has_too() -> None:
    common = CommonArguments.of(_task(0, seed=7), _task(1, seed=7))
    assert common.values.keys() == common.packed.keys() == {"table", "seed"}
    assert common.rest(_task(5, seed=7, keep=True)) == {"block": 5, "keep": True}
    assert common.rest(_task(5, seed=8)) is None  # small, and compared as it would travel
    assert common.rest(_task(5)) is None
    assert common.rest(_task(5, "m:g", seed=7)) is None
    assert common.rest(_task(5, table=TABLE + 1, seed=7)) is None


def test_without_a_next_task_large_arguments_are_taken() -> None:
    for following in (None, _task(1, "m:g", text=LONG)):
        common = CommonArguments.of(_task(0, text=LONG, seed=7), following)
        assert common.values.keys() >= {"text"}
        assert not common.values.keys() & {"block", "seed"}
