"""Unweights a file whose weights were computed with an amplitude surrogate, by exact amplitudes.

A generator that called a surrogate instead of its amplitudes writes events of weight s, weighted or
partly unweighted. The exact weight is w = s·|M|²/|M|²_surrogate. The second stage of `two-stage` is
left to do: events are thinned out by s, |M|² is computed for those that are left, and decides.

The maxima are fitted to a pilot of events from all over the file. Random numbers belong to the seed
and to blocks of `BLOCK` events, as they do in `crosshook.core.unweight`.
"""

from __future__ import annotations

import json
import math
import secrets
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final, cast

import numpy as np
import torch

from crosshook.core.chosen_executor import chosen_executor
from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.cross_section import CrossSection, cross_section
from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.events.batch_tasks import BatchWorkers
from crosshook.core.events.files import open_events
from crosshook.core.events.staging import check_destination, staged_folder
from crosshook.core.execute import opened
from crosshook.core.interfaces.unweighter import Pilot
from crosshook.core.random import torch_generator
from crosshook.core.registry import default_registry
from crosshook.core.report.shown import Shown
from crosshook.core.statistics import kish
from crosshook.core.unweight import BLOCK, Choice, final_info, read_weights, write_chosen
from crosshook.core.unweight_ratio import STAGE, BlocksByWorkers, BlocksHere, RatioRecipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.layout import FloatArray
    from crosshook.core.execute import Executor
    from crosshook.core.interfaces.event_format import OnError, SkippedEvent
    from crosshook.core.interfaces.unweighter import Unweighter
    from crosshook.core.registry import Registry
    from crosshook.core.report.sections import Headline
    from crosshook.core.unweight_ratio import Blocks

PILOT: Final = 20_000
"""Events the maxima are chosen from, unless told otherwise."""


@dataclass(frozen=True, repr=False)
class SurrogateUnweightReport(Shown):
    """Accounting of an unweighting with a surrogate. Cross sections and weights in pb.

    Attributes:
        input: the file read.
        output: the file written.
        seed: of the random numbers.
        unweighter: the component with its options.
        surrogate: the model the weights of the input were computed with.
        process: the component with its options that knows the exact |M|².
        events_in: events read.
        pilot: of them, those the maxima were chosen from.
        exact: events whose exact |M|² was computed, those of the pilot included.
        events_out: events written.
        cross_section_in_pb: σ of the input, by the surrogate.
        cross_section_in_error_pb: its error, None if unknown.
        rule_in: how it was found.
        cross_section_out_pb: σ by the exact |M|²; the mean weight of the output.
        cross_section_out_error_pb: its error, None if that of the input is unknown.
        first: ε1, events whose |M|² the first stage asks for, per event read.
        second: ε2, events kept of those.
        overweights: events written with more than the common weight.
        overweight_share: share of Σ|w| of the output that exceeds the common weight.
        kish_in: (Σs)²/(n Σs²) of the input.
        kish_out: the same of the output.
        notes: what the unweighter says about its maxima.
        skipped: events that could not be read and were left out.
    """

    input: str
    output: str
    seed: int
    unweighter: dict[str, object]
    surrogate: str
    process: dict[str, object]
    events_in: int
    pilot: int
    exact: int
    events_out: int
    cross_section_in_pb: float
    cross_section_in_error_pb: float | None
    rule_in: str
    cross_section_out_pb: float
    cross_section_out_error_pb: float | None
    first: float
    second: float
    overweights: int
    overweight_share: float
    kish_in: float
    kish_out: float
    notes: tuple[str, ...]
    skipped: tuple[SkippedEvent, ...]

    def headline(self) -> Headline:
        """What it is and the numbers that matter, as they are shown."""
        from crosshook.core.report.file_accounts import surrogate_unweight_headline

        return surrogate_unweight_headline(self)

    def as_json(self) -> dict[str, object]:
        """The report as values JSON can hold."""
        return asdict(self)


@dataclass
class _Sums:
    """Σ s over all events, and Σ w of each process by those whose |M|² was computed."""

    guess: float = 0.0
    squares: float = 0.0
    asked: int = 0
    processes: dict[int, float] = field(default_factory=dict)

    def add(self, batch: EventBatch, ratio: FloatArray, chance: FloatArray) -> None:
        """Takes a block in; (w - s)/p of the known ones has the mean Σ (w - s)."""
        guess = np.asarray(batch.event["weight"], np.float64)
        known = ~np.isnan(ratio)
        off = np.where(known, guess * (ratio - 1.0) / chance, 0.0)
        self.guess += float(guess.sum())
        self.squares += float((off**2).sum())
        self.asked += int(known.sum())
        numbers = np.asarray(batch.event["process_id"])
        for number in np.unique(numbers).tolist():
            own = numbers == number
            before = self.processes.get(number, 0.0)
            self.processes[number] = before + float((guess + off)[own].sum())


def unweight_with_surrogate(
    source: Path,
    destination: Path,
    seed: int,
    surrogate: Path,
    process: Slot | str | Mapping[str, object],
    unweighter: Slot | str | Mapping[str, object] = "two-stage",
    *,
    pilot: int = PILOT,
    overwrite: bool = False,
    registry: Registry | None = None,
    on_error: OnError = "stop",
    settings: Sequence[str] = (),
    workers: int | None = None,
    executor: Executor | None = None,
) -> SurrogateUnweightReport:
    """Turns events weighted by a surrogate into events of (nearly) equal weight by the exact |M|².

    All weights of an event, variations included, take the same factor. Events of weight zero are
    lost: a generator that calls a surrogate must give every point a weight.

    Args:
        source: file of events whose weights hold the surrogate's |M|²; it is read four times.
        destination: file to write; its extension chooses the format.
        seed: of the random numbers.
        surrogate: directory of the model.
        process: component that knows the exact |M|², and options, as in a run file.
        unweighter: component and options, as in a run file.
        pilot: events the maxima are chosen from.
        overwrite: whether to replace an existing file.
        registry: where components come from.
        on_error: `skip` leaves out events that cannot be read and lists them.
        settings: `executor=NAME` and options of it; nothing else.
        workers: processes that compute |M|²; this one alone if None.
        executor: computes it, and is left open; overrides `settings` and `workers`.

    Returns:
        What was kept, and how many |M|² it took.

    Raises:
        ConfigurationError: if the unweighter makes no use of a surrogate.
        InputError: if the input cannot be read, has no cross section, or is of another process.
        OutputError: if the output exists or cannot be written.
        ModelError: if there is no surrogate in the directory.
    """
    known = registry or default_registry()
    check_destination(source, destination, overwrite)
    slot, made_by = Slot.parse(unweighter), Slot.parse(process)
    if not known.get("unweighter", slot.use).component.capabilities.two_stage:
        message = f"unweighter {slot.use} makes no use of a surrogate; use two-stage"
        raise ConfigurationError(message)
    chosen = Slot(slot.use, known.options("unweighter", slot))
    engine = chosen_executor(Slot("serial"), settings, workers, known)
    recipe = RatioRecipe(
        json.dumps(made_by.as_dict()), str(surrogate), str(source), secrets.token_hex()
    )
    here = BlocksHere(recipe.build(registry))
    weight, info, sums, skipped = read_weights(source, registry, on_error)
    sigma = cross_section(info, sums)
    if sigma.value is None or not np.any(weight):
        message = f"{source}: nothing to unweight: {sums.events} events, Σ|w| = {sums.absolute}"
        raise InputError(message)
    chooser = cast("Unweighter", known.build("unweighter", slot, BuildContext(), "unweighter"))
    counted = _Sums()
    with ExitStack() as stack:
        blocks: Blocks = here
        if engine.use != "serial" or executor is not None:
            folder = stack.enter_context(staged_folder(destination))
            opening = opened(executor, engine, known, folder)
            helpers = BatchWorkers(stack.enter_context(opening), folder)
            blocks = BlocksByWorkers(helpers, recipe, chosen, known)
        sample = _pilot(source, weight, blocks, pilot, registry, on_error)
        notes = chooser.fit(sample, torch_generator(seed, STAGE))
        choice = _choose(source, chooser, notes, blocks, seed, counted, registry, on_error)
    out = _exact_section(sigma, counted)
    if not len(choice.weights) or not np.sum(choice.weights) * (out.value or 0.0) > 0:
        message = f"{source}: {len(choice.weights)} events kept; no positive scale conserves σ"
        raise InputError(message)
    kept = choice.weights
    scale = (out.value or 0.0) * len(kept) / float(np.sum(kept))
    total = sum(counted.processes.values())
    shares = {number: own / total for number, own in counted.processes.items()}
    final = final_info(info, shares, out, float(np.abs(kept).max()) * scale)
    write_chosen(source, destination, final, choice, scale, overwrite, registry, on_error)
    overweights, overweight_share = choice.overweights()
    return SurrogateUnweightReport(
        input=str(source),
        output=str(destination),
        seed=seed,
        unweighter=chosen.as_dict(),
        surrogate=str(surrogate),
        process=Slot(made_by.use, known.options("process", made_by)).as_dict(),
        events_in=sums.events,
        pilot=len(sample.weight),
        exact=counted.asked + len(sample.weight),
        events_out=len(kept),
        cross_section_in_pb=sigma.value,
        cross_section_in_error_pb=sigma.error,
        rule_in=sigma.rule,
        cross_section_out_pb=out.value or 0.0,
        cross_section_out_error_pb=out.error,
        first=counted.asked / sums.events,
        second=len(kept) / counted.asked,
        overweights=overweights,
        overweight_share=overweight_share,
        kish_in=kish(weight),
        kish_out=kish(kept),
        notes=tuple(notes),
        skipped=skipped,
    )


def _pilot(
    source: Path,
    weight: FloatArray,
    blocks: Blocks,
    events: int,
    registry: Registry | None,
    on_error: OnError,
) -> Pilot:
    """Exact weights of every so manieth event of the file."""
    chosen = np.zeros(len(weight), dtype=np.bool_)
    chosen[:: max(1, math.ceil(len(weight) / events))] = True

    def picked(stream: Iterable[EventBatch]) -> Iterator[EventBatch]:
        start = 0
        for batch in stream:
            yield batch[np.flatnonzero(chosen[start : start + len(batch)])]
            start += len(batch)

    with open_events(source, BLOCK, registry, on_error=on_error) as stream:
        exact = [
            np.asarray(own.event["weight"], np.float64) * ratio
            for own, ratio in blocks.ratios(picked(stream))
        ]
    both = torch.from_numpy(np.concatenate(exact)), torch.from_numpy(weight[chosen])
    return Pilot(both[0], torch.zeros(len(both[0]), dtype=torch.int64), 1, both[1])


def _choose(
    source: Path,
    unweighter: Unweighter,
    notes: tuple[str, ...],
    blocks: Blocks,
    seed: int,
    counted: _Sums,
    registry: Registry | None,
    on_error: OnError,
) -> Choice:
    rows, factors, weights = [], [], []
    with open_events(source, BLOCK, registry, on_error=on_error) as stream:
        for batch, chosen in blocks.choices(stream, unweighter, seed):
            counted.add(batch, chosen["ratio"], chosen["chance"])
            index = chosen["index"]
            rows.append(index)
            factors.append(chosen["factor"])
            weights.append(factors[-1] * np.array(batch.event["weight"], np.float64)[index])
    maximum = float(unweighter.maxima()[0])
    return Choice(rows, factors, np.concatenate(weights), maximum, notes)


def _exact_section(sigma: CrossSection, counted: _Sums) -> CrossSection:
    """σ by the exact |M|²: that of the surrogate times Σ w over Σ s."""
    change = sum(counted.processes.values()) / counted.guess
    value = (sigma.value or 0.0) * change
    error = None
    if sigma.error is not None:
        own = (sigma.value or 0.0) * math.sqrt(counted.squares) / abs(counted.guess)
        error = math.hypot(sigma.error * change, own)
    return CrossSection(value, error, sigma.rule, sigma.reason)
