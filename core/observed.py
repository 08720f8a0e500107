"""Progress of a run with what is known of its workers, and the end of the time it was given."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from crosshook.core.errors import Cancelled
from crosshook.core.interfaces.executor import Load

if TYPE_CHECKING:
    from crosshook.core.interfaces.executor import Executor
    from crosshook.core.quantity import Quantity
    from crosshook.core.run import Reporter
    from crosshook.core.training_result import IterationResult

LOOK: Final = 1.0
"""Seconds between looks at the workers: a cluster is asked over the network."""
COUNTED: Final = "generate"
"""The stage whose progress is counted in events."""


class Observed:
    """A reporter that adds figures of the workers, and stops a run whose time is up."""

    def __init__(self, reporter: Reporter, executor: Executor, until: float | None) -> None:
        """Looks at nothing yet.

        Args:
            reporter: shows the run.
            executor: whose workers compute it.
            until: when to stop by `time.monotonic`, or None.
        """
        self._reporter, self._executor, self._until = reporter, executor, until
        self._load, self._looked = Load(), -LOOK
        self._first: dict[str, tuple[float, int]] = {}

    def update(self, stage: str, done: int, total: int, **figures: float) -> None:
        """Shows progress; see `Progress.update`.

        Raises:
            Cancelled: if the time is up.
        """
        now = time.monotonic()
        if self._until is not None and now > self._until and done < total:
            message = "the time given is up"
            raise Cancelled(message)
        if now - self._looked >= LOOK:
            self._load, self._looked = self._executor.load(), now
        begun, before = self._first.setdefault(stage, (now, done))
        if stage == COUNTED and now > begun:
            figures["events_per_second"] = float(round((done - before) / (now - begun)))
        if self._load.workers > 1:
            figures["workers"] = self._load.running
            figures["slowest_task_seconds"] = self._load.slowest
        if self._load.lost:
            figures["begun_again"] = self._load.lost
        self._reporter.update(stage, done, total, **figures)

    def measures(self, quantity: Quantity) -> None:
        """Handed on."""
        self._reporter.measures(quantity)

    def iteration(self, iteration: IterationResult) -> None:
        """Handed on."""
        self._reporter.iteration(iteration)
