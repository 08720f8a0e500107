"""Event reweighter: gives events further weights, as factors on the one they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.layout import FloatArray
    from crosshook.core.events.run_info import RunInfo, WeightInfo


class EventReweighter(Protocol):
    """Factors between the weights of events under two hypotheses.

    A new weight is w · f with the nominal weight w. f depends on the event alone: not on the other
    events of its batch, and not on the unit or normalisation of the weights, which differ between
    generators.
    """

    def declare(self, info: RunInfo) -> tuple[WeightInfo, ...]:
        """The weights it gives, once before the first event.

        Args:
            info: the run the events belong to.

        Returns:
            Ids, all different, with descriptions for people.

        Raises:
            InputError: if it has nothing to say about such events.
        """
        ...

    def factors(self, batch: EventBatch) -> FloatArray:
        """Factors of some events.

        Args:
            batch: n events of the run.

        Returns:
            One column a declared weight, `(n, v)` float64, finite.

        Raises:
            InputError: if it has nothing to say about one of them.
        """
        ...
