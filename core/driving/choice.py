"""Unweighting of events block by block: what `generate.unweighter` keeps of a program's events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from crosshook.core.context import BuildContext
from crosshook.core.errors import NumericalError
from crosshook.core.interfaces.unweighter import Pilot
from crosshook.core.random import torch_generator, uniform
from crosshook.core.unweight import KnownWeights

if TYPE_CHECKING:
    from crosshook.core.component import Slot
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.layout import FloatArray
    from crosshook.core.interfaces.unweighter import Unweighter
    from crosshook.core.registry import Registry

BLOCK = 1000
"""Events that share a random stream. Changing it changes results."""
STAGE = "generator"
"""Begin of the names of the random streams."""


class Choice:
    """An unweighter, fitted to the first batch and frozen.

    Attributes:
        maximum: the largest |weight| in pb that is no overweight.
        notes: what the unweighter says of it.
    """

    def __init__(self, slot: Slot, registry: Registry, weight: FloatArray, seed: int) -> None:
        """Builds and fits it.

        Args:
            slot: `generate.unweighter`.
            registry: builds it.
            weight: of the events of the first batch, `(n,)` in pb.
            seed: of the run.

        Raises:
            NumericalError: if every weight is 0.
        """
        built = registry.build("unweighter", slot, BuildContext(), "generate.unweighter")
        self._unweighter, self._seed = cast("Unweighter", built), seed
        if slot.model is not None:
            self.notes: tuple[str, ...] = ("saved model",)
        else:
            channel = torch.zeros(len(weight), dtype=torch.int64, device="cpu")
            pilot = Pilot(torch.from_numpy(weight), channel, 1)
            self.notes = tuple(self._unweighter.fit(pilot, torch_generator(seed, STAGE)))
        self.maximum = float(self._unweighter.maxima()[0])
        if not self.maximum > 0:
            message = "every event of the first batch has weight 0; nothing can be unweighted"
            raise NumericalError(message)

    def kept(self, events: EventBatch, scale: float, number: int, block: int) -> EventBatch:
        """What is kept of a block of events, with the weights they then have in pb.

        Args:
            events: of at most `BLOCK`.
            scale: of their weights to pb.
            number: of the batch the block is of.
            block: number of the block in its batch.
        """
        weight = np.asarray(events.event["weight"], np.float64) * scale
        stage = f"{STAGE}/{number}"
        numbers = uniform(self._seed, stage, block, (len(weight), self._unweighter.n_uniform))
        found = self._unweighter.unweight(KnownWeights(torch.from_numpy(weight)), numbers)
        rows = events[found.index.numpy()].with_weights(found.factor.numpy() * scale)
        # Trials belong to the weighted events: the mean weight of what is kept is σ.
        return without_trials(rows)


def without_trials(events: EventBatch) -> EventBatch:
    """The same events without what they say of trials."""
    columns = {name: column for name, column in events.event.items() if name != "trials"}
    return replace(events, event=columns)
