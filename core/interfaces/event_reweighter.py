"""Event reweighter: gives events further weights, as factors on the one they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.layout import FloatArray
    from crosshook.core.events.run_info import RunInfo, WeightInfo


class EventReweighter(Protocol):
    """Factors between the weights of events under two hypotheses.

    A new weight is w · f with the nominal weight w. f depends on the event alone: not on the other
    events of its batch, and not on the unit or normalisation of the weights, which differ between
    generators.

    Other weights of an event stay what they are. One that makes cells of events has the capability
    `surveys`: see `SurveyingReweighter`.
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


@runtime_checkable
class SurveyingReweighter(EventReweighter, Protocol):
    """One whose factors belong to a sample: it looks at all events once, between declare and factors.

    f then depends on the event and on the sample, still not on its batch; it is defined for events
    of the sample. Σ w·f over the sample is to be Σ w.
    """

    def survey(self, batches: Iterable[EventBatch]) -> Mapping[str, float]:
        """Looks at the sample; a second sample takes the place of the first.

        Args:
            batches: all events, in batches of any size.

        Returns:
            Figures for the report, by name.

        Raises:
            InputError: if it has nothing to say about these events, or they are too many.
        """
        ...
