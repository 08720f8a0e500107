"""Gives event files further weights, and makes one of their weights the nominal one.

Added weights are the nominal weight times factors of an event reweighter. What a new nominal weight
does to the cross section is told in `crosshook.core.nominal_weight`.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from crosshook.core.chosen_executor import chosen_executor
from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.cross_section import WeightSums, cross_section
from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.events.added_weights import AddedWeights, FactorWorkers
from crosshook.core.events.batch_tasks import BatchWorkers
from crosshook.core.events.files import create_events, open_events
from crosshook.core.events.staging import check_destination, staged_folder
from crosshook.core.execute import opened
from crosshook.core.interfaces.event_format import STANDARD_INPUT
from crosshook.core.nominal_weight import exchange, with_nominal
from crosshook.core.registry import default_registry
from crosshook.core.report.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crosshook.core.execute import Executor
    from crosshook.core.interfaces.event_format import OnError, SkippedEvent
    from crosshook.core.interfaces.event_reweighter import EventReweighter, SurveyingReweighter
    from crosshook.core.registry import Registry
    from crosshook.core.report.sections import Headline, Table

ORIGINAL: Final = "original"


@dataclass(frozen=True)
class WeightSummary:
    """One weight of the output.

    Attributes:
        id: its id.
        mean_over_nominal: Σw_id/Σw; None without events.
        kish: (Σw)²/(n Σw²), None without weights.
    """

    id: str
    mean_over_nominal: float | None
    kish: float | None


@dataclass(frozen=True, repr=False)
class ReweightReport(Shown):
    """What a reweighting did.

    Attributes:
        input: the file read.
        output: the file written.
        events: number of events.
        nominal: id of the weight that became the nominal one, None if none did.
        original: id the nominal weight of the input has now, None if it still is.
        reweighter: the component with its options, None if no weights were added.
        added: the weights it gave.
        survey: figures of a component that looked at the whole sample first; empty for others.
        cross_section_in_pb: σ of the input, None if unknown.
        cross_section_in_error_pb: its error, None if unknown.
        rule_in: how it was found.
        cross_section_out_pb: σ by the nominal weight of the output.
        cross_section_out_error_pb: its error, None if unknown.
        rule_out: how it is found.
        kish_in: (Σw)²/(n Σw²) of the input.
        kish_out: the same of the output.
        skipped: events that could not be read and were left out.
    """

    input: str
    output: str
    events: int
    nominal: str | None
    original: str | None
    reweighter: dict[str, object] | None
    added: tuple[WeightSummary, ...]
    survey: dict[str, float]
    cross_section_in_pb: float | None
    cross_section_in_error_pb: float | None
    rule_in: str
    cross_section_out_pb: float | None
    cross_section_out_error_pb: float | None
    rule_out: str
    kish_in: float | None
    kish_out: float | None
    skipped: tuple[SkippedEvent, ...]

    def headline(self) -> Headline:
        """What it is and the numbers that matter, as they are shown."""
        from crosshook.core.report.file_accounts import reweight_headline

        return reweight_headline(self)

    def tables(self) -> tuple[Table, ...]:
        """Weights that were added."""
        from crosshook.core.report.file_accounts import reweight_table

        return (reweight_table(self),) if self.added else ()

    def as_json(self) -> dict[str, object]:
        """The report as values JSON can hold."""
        return asdict(self)


def reweight_file(
    source: str | Path,
    destination: str | Path,
    *,
    nominal: str | None = None,
    original: str = ORIGINAL,
    reweighter: Slot | str | Mapping[str, object] | None = None,
    overwrite: bool = False,
    options: Mapping[str, object] | None = None,
    registry: Registry | None = None,
    on_error: OnError = "stop",
    settings: Sequence[str] = (),
    workers: int | None = None,
    executor: Executor | None = None,
) -> ReweightReport:
    """Adds weights to the events of a file, or makes one of their weights the nominal one.

    Args:
        source: the file to read.
        destination: the file to write; its extension chooses the format.
        nominal: id of the weight that becomes the nominal one; it may be one that is added. The
            weight stays in its column, too.
        original: id under which the old nominal weight is kept.
        reweighter: component that gives weights, with options, as in a run file.
        overwrite: whether to replace an existing file.
        options: of the output format.
        registry: where components come from.
        on_error: `skip` leaves out events that cannot be read and lists them.
        settings: `executor=NAME` and options of it; nothing else.
        workers: processes that compute factors of events; this one alone if None.
        executor: computes them, and is left open; overrides `settings` and `workers`.

    Returns:
        Cross sections before and after, and what was added.

    Raises:
        ConfigurationError: if there is nothing to do, or nothing for workers.
        InputError: if the input cannot be read, or lacks the weight.
        NumericalError: if a factor is no finite number.
        OutputError: if the output exists or cannot be written.
    """
    source, destination = Path(source), Path(destination)
    if nominal is None and reweighter is None:
        message = "nothing to do: neither a nominal weight nor a reweighter was chosen"
        raise ConfigurationError(message)
    check_destination(source, destination, overwrite)
    components = registry or default_registry()
    slot = None if reweighter is None else Slot.parse(reweighter)
    engine = chosen_executor(Slot("serial"), settings, workers, components)
    if settings or workers is not None or executor is not None:
        _check_workers(slot, components)
    built, survey = None, dict[str, float]()
    if slot is not None:
        context = BuildContext(registry=components)
        built = cast(
            "EventReweighter", components.build("event_reweighter", slot, context, "reweighter")
        )
        if components.get("event_reweighter", slot.use).component.capabilities.surveys:
            survey = _surveyed(cast("SurveyingReweighter", built), source, registry, on_error)
    before, after = WeightSums(), WeightSums()
    added: dict[str, WeightSums] = {}
    with ExitStack() as stack:
        helpers = None
        if engine.use != "serial" or executor is not None:
            assert slot is not None
            folder = stack.enter_context(staged_folder(destination))
            opening = opened(executor, engine, components, folder)
            helpers = FactorWorkers(BatchWorkers(stack.enter_context(opening), folder), slot)
        change = None
        if nominal is not None:
            change = exchange(source, nominal, original, built, registry, on_error, helpers)
        stream = stack.enter_context(open_events(source, registry=registry, on_error=on_error))
        weights = AddedWeights(built, stream.info, source, helpers)
        first = change.info if change else weights.to_info(stream.info)
        with create_events(destination, first, overwrite, options, registry) as writer:
            for read, weighed in weights.of(stream):
                before.add(read)
                batch = weighed if change is None else change.to_batch(weighed)
                after.add(batch)
                for weight in weights.declared:
                    sums = added.setdefault(weight.id, WeightSums())
                    sums.add(with_nominal(batch, weight.id))
                writer.write(batch)
            info = change.info if change else weights.to_info(stream.info)
            writer.close(info)
        read_info, skipped = stream.info, tuple(stream.skipped)
    sigma, result = cross_section(read_info, before), cross_section(info, after)
    named = None
    if slot is not None:
        chosen = components.options("event_reweighter", slot)
        named = Slot(slot.use, chosen).as_dict()
    return ReweightReport(
        input=str(source),
        output=str(destination),
        events=after.events,
        nominal=nominal,
        original=None if change is None else original,
        reweighter=named,
        added=tuple(
            WeightSummary(i, s.weight / after.weight if after.weight else None, s.kish)
            for i, s in added.items()
        ),
        survey=survey,
        cross_section_in_pb=sigma.value,
        cross_section_in_error_pb=sigma.error,
        rule_in=sigma.rule,
        cross_section_out_pb=result.value,
        cross_section_out_error_pb=result.error,
        rule_out=result.rule,
        kish_in=before.kish,
        kish_out=after.kish,
        skipped=skipped,
    )


def _check_workers(slot: Slot | None, components: Registry) -> None:
    """Whether there is anything for workers to compute.

    Raises:
        ConfigurationError: if there is not.
    """
    if slot is None:
        message = "workers: compute what a reweighter gives; exchanging weights is reading alone"
        raise ConfigurationError(message)
    if components.get("event_reweighter", slot.use).component.capabilities.surveys:
        message = f"workers: {slot.use} looks at all events of the file, in one process"
        raise ConfigurationError(message)


def _surveyed(
    reweighter: SurveyingReweighter, source: Path, registry: Registry | None, on_error: OnError
) -> dict[str, float]:
    """Lets a reweighter look at all events of a file; they will be read again."""
    if source == STANDARD_INPUT or source.is_fifo():
        message = f"{source}: is a pipe, and this event reweighter needs its input twice"
        raise InputError(message)
    with open_events(source, registry=registry, on_error=on_error) as stream:
        reweighter.declare(stream.info)
        return dict(reweighter.survey(stream))
