"""Progress as components see it: one call, which also raises when the run is to stop."""

from typing import Protocol


class Progress(Protocol):
    """Told how far a stage is; shows it, or does nothing."""

    def update(self, stage: str, done: int, total: int, **figures: float) -> None:
        """Reports progress.

        Args:
            stage: name of the stage, e.g. `integrate`.
            done: units finished so far.
            total: units of the whole stage.
            figures: numbers to show beside the bar, e.g. `sigma=505.1, error=0.2`.

        Raises:
            Cancelled: if the run was asked to stop.
        """
        ...


class Silent:
    """Shows nothing."""

    def update(self, stage: str, done: int, total: int, **figures: float) -> None:
        """Does nothing."""
