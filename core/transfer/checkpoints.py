"""Trainings of transfer functions that were stopped: what they had, in `checkpoints/`.

run.yaml, begun.json    see crosshook.core.learning.begun
state/                  the state of the component's training; see crosshook.core.learning.checkpoint

All of it goes when the training has ended. Events are read again from their files.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

from crosshook.core.errors import InputError
from crosshook.core.learning.begun import BegunTraining, identity
from crosshook.core.learning.checkpoint import CheckpointFolder

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from crosshook.core.transfer.paired import PairedEvents
    from crosshook.core.transfer.run_file import TransferConfig

STATE = "state"
TRAINING, EVENTS = "training", "events"


class TransferCheckpoints:
    """Keeps a training, and is the `TrainingStore` of its component."""

    def __init__(self, path: Path) -> None:
        """Names the folder; nothing is read or made yet."""
        self.begun = BegunTraining(path)
        self._folder: CheckpointFolder | None = None
        self._events = ""
        self._found: tuple[dict[str, Tensor], dict[str, object]] | None = None

    def open(self, config: TransferConfig, events: PairedEvents) -> None:
        """Reads what a training that was stopped has left, if there is any.

        Args:
            config: of the training.
            events: it learns from.

        Raises:
            InputError: if it is damaged, or the events are others than before.
        """
        self._folder = CheckpointFolder(self.begun.path / STATE, identity(config.document))
        self._events = _checksum(events)
        kept = self._folder.read()
        if kept is None:
            return
        if kept.values[EVENTS] != self._events:
            message = (
                f"{self.begun.path.parent}: the events are not those that the training began "
                "with; train anew with --overwrite"
            )
            raise InputError(message)
        self._found = kept.tensors, cast("dict[str, object]", kept.values[TRAINING])

    def load(self) -> tuple[dict[str, Tensor], dict[str, object]] | None:
        """See `TrainingStore.load`."""
        return self._found

    def save(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """See `TrainingStore.save`.

        Raises:
            OutputError: if it cannot be written.
        """
        assert self._folder is not None
        self._folder.write({}, tensors, {EVENTS: self._events, TRAINING: values})


def _checksum(events: PairedEvents) -> str:
    """Of all columns."""
    digest = hashlib.sha256()
    columns = [events.accepted, events.weight]
    for level in (events.truth, events.reco):
        columns.append(level.dense)
        columns += [each for name in sorted(level.sets) for each in level.sets[name]]
    for column in columns:
        digest.update(column.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
