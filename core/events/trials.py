"""Keeps Σtrials when events are left out: their trials are counted with the next event kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.layout import BoolArray, FloatArray


class CarriedTrials:
    """Events on their way from one file to another, batch by batch.

    The last events wait for the batch after them: trials that come after the last kept event of a
    file are counted with that one.
    """

    def __init__(self) -> None:
        """Nothing was left out yet."""
        self._over = 0.0
        self._waiting: EventBatch | None = None

    def keep(self, batch: EventBatch, passing: BoolArray) -> EventBatch | None:
        """Takes in a batch.

        Args:
            batch: events with the column `trials`.
            passing: which of them are kept, `(n,)`.

        Returns:
            The events kept before, if any.
        """
        trials = np.asarray(batch.event["trials"], np.float64)
        rows = np.flatnonzero(passing)
        if not len(rows):
            self._over += float(trials.sum())
            return None
        counted = np.cumsum(trials)
        own = np.diff(counted[rows], prepend=-self._over)
        self._over = float(counted[-1] - counted[rows[-1]])
        before, self._waiting = self._waiting, _with_trials(batch[rows], own)
        return before

    def finish(self) -> EventBatch | None:
        """The last events, with all trials that were still to be counted."""
        if self._waiting is None:
            return None
        trials = np.array(self._waiting.event["trials"], np.float64)
        trials[-1] += self._over
        return _with_trials(self._waiting, trials)


def _with_trials(batch: EventBatch, trials: FloatArray) -> EventBatch:
    return replace(batch, event={**batch.event, "trials": trials})
