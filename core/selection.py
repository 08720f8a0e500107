"""Which events of a file an operation takes: a range of them, those that fulfil a condition."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.layout import BoolArray
    from crosshook.core.events.run_info import RunInfo

RANGE: Final = re.compile(r"(\d*):(\d*)", re.ASCII)


@dataclass(frozen=True)
class Selection:
    """A range of events, and a condition on them.

    Attributes:
        where: the condition, in the language of `crosshook.core.events.event_expression`; None
            for all events.
        start: first event of the range, counted from 0.
        stop: the event after the last one; None for the end of the file.
    """

    where: str | None = None
    start: int = 0
    stop: int | None = None

    @classmethod
    def of(cls, where: str | None = None, events: slice | str | None = None) -> Selection:
        """A selection as users give it.

        Args:
            where: the condition.
            events: `slice(100, 200)` or `"100:200"`; either end may be left out.

        Raises:
            ConfigurationError: if the range is none.
        """
        if isinstance(events, str):
            found = RANGE.fullmatch(events.strip())
            if found is None:
                message = f"--events: {events!r} is no range of events, e.g. 100:200, 100: or :200"
                raise ConfigurationError(message)
            events = slice(*(int(text) if text else None for text in found.groups()))
        chosen = slice(None) if events is None else events
        start = 0 if chosen.start is None else chosen.start
        ends = (start, start if chosen.stop is None else chosen.stop)
        if chosen.step not in (None, 1) or not 0 <= ends[0] <= ends[1]:
            message = f"--events: {chosen} is no range of events counted from 0"
            raise ConfigurationError(message)
        return cls(where, start, chosen.stop)

    @property
    def everything(self) -> bool:
        """Whether no event is left out."""
        return self.where is None and self.is_whole

    @property
    def is_whole(self) -> bool:
        """Whether the range is the whole file."""
        return self.start == 0 and self.stop is None

    def apply(
        self, batches: Iterable[EventBatch], info: RunInfo
    ) -> Iterator[tuple[EventBatch, BoolArray]]:
        """The events of the range, batch by batch, and which of them fulfil the condition.

        Args:
            batches: all events of a file.
            info: what it says before them.

        Raises:
            ConfigurationError: if the condition is none, or names what the file has not.
        """
        condition = None
        if self.where is not None:
            from crosshook.core.events.event_expression import EventExpression  # imports torch

            condition = EventExpression.condition(self.where, info, "--where")
        first = 0
        for batch in batches:
            begin = max(self.start - first, 0)
            end = len(batch) if self.stop is None else min(self.stop - first, len(batch))
            first += len(batch)
            if begin < end:
                whole = begin == 0 and end == len(batch)
                taken = batch if whole else batch[begin:end]
                everything = np.ones(len(taken), np.bool_)
                yield taken, everything if condition is None else condition.holds(taken)
            if self.stop is not None and first >= self.stop:
                return
