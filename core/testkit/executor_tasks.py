"""Tasks the kit gives to executors; workers import them from here."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import NumericalError

if TYPE_CHECKING:
    from torch import Tensor


def scaled_sum(values: Tensor, factor: int) -> tuple[float, int]:
    """factor · Σ values, and the number of threads it was computed on."""
    return factor * float(values.sum()), torch.get_num_threads()


def refuse(number: int) -> None:
    """Raises an error of crosshook's own."""
    message = f"task {number} refuses"
    raise NumericalError(message)


def die_once(folder: str, manager: int, name: int) -> str:
    """Kills its own process the first time; says `manager` where that is the caller's own.

    Args:
        folder: where a killed task leaves a mark.
        manager: number of the process that must live.
        name: of the task.
    """
    mark = Path(folder) / f"killed-{name}"
    if os.getpid() == manager:
        return "manager"
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "again"
