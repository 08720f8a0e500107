"""First reading of an event file: its cross section, and what a selection leaves of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crosshook.core.cross_section import WeightSums, cross_section
from crosshook.core.errors import InputError
from crosshook.core.events.files import open_events
from crosshook.core.interfaces.event_format import STANDARD_INPUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crosshook.core.cross_section import CrossSection
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.interfaces.event_format import OnError, SkippedEvent
    from crosshook.core.registry import Registry
    from crosshook.core.selection import Selection


@dataclass(frozen=True)
class Survey:
    """An input after its first reading.

    Attributes:
        path: the file.
        info: its run information.
        sums: over all its events.
        sigma: its cross section.
        taken: sums over the events of the selection's range.
        kept: sums over those that fulfil the condition, too.
        skipped: events that could not be read.
    """

    path: Path
    info: RunInfo
    sums: WeightSums
    sigma: CrossSection
    taken: WeightSums
    kept: WeightSums
    skipped: tuple[SkippedEvent, ...]

    @property
    def to_mean(self) -> float:
        """Factor that makes the mean weight of the file its cross section.

        Raises:
            InputError: if it has none.
        """
        if self.sigma.rule == "average":
            return 1.0
        if self.sigma.value is None or self.sums.weight == 0:
            message = f"{self.path}: has no cross section to scale weights to"
            raise InputError(message)
        return self.sigma.value * self.sums.events / self.sums.weight


def survey(
    path: Path,
    selection: Selection,
    registry: Registry | None = None,
    on_error: OnError = "stop",
) -> Survey:
    """Reads a file from beginning to end.

    Args:
        path: the file; it will be read again, so it must not be a pipe.
        selection: which events matter.
        registry: where formats come from.
        on_error: see `open_events`.

    Raises:
        InputError: if it cannot be read.
    """
    if path == STANDARD_INPUT or path.is_fifo():
        message = f"{path}: is a pipe, and this operation reads its input twice"
        raise InputError(message)
    sums, taken, kept = WeightSums(), WeightSums(), WeightSums()

    def counted() -> Iterator[EventBatch]:
        for batch in stream:
            sums.add(batch)
            yield batch

    with open_events(path, registry=registry, on_error=on_error) as stream:
        batches = counted()
        for batch, passing in selection.apply(batches, stream.info):
            taken.add(batch)
            kept.add(batch if passing.all() else batch[passing])
        for _ in batches:  # events after the range count for the cross section
            pass
        info, skipped = stream.info, tuple(stream.skipped)
    return Survey(path, info, sums, cross_section(info, sums), taken, kept, skipped)
