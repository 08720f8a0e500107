"""Unweights a file of weighted events: `unweight_file` reads it twice and keeps σ exactly.

The first pass takes all weights; the unweighter's maxima are fitted to them and the choice is
made. The second pass writes the chosen events. Random numbers belong to the seed and to blocks of
`BLOCK` events, so that the result depends on nothing else. Every weight of an event, variations
included, takes the same factor; the factors have one common scale such that the mean weight of
the output is the cross section of the input.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.cross_section import CrossSection, WeightSums, cross_section
from crosshook.core.errors import InputError
from crosshook.core.events.files import create_events, open_events
from crosshook.core.events.run_info import ProcessInfo
from crosshook.core.events.staging import check_destination
from crosshook.core.interfaces.event_format import STANDARD_INPUT
from crosshook.core.registry import default_registry
from crosshook.core.report.shown import Shown
from crosshook.core.statistics import kish

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from torch import Tensor

    from crosshook.core.events.layout import FloatArray, IntArray
    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.interfaces.event_format import OnError, SkippedEvent
    from crosshook.core.interfaces.unweighter import Kept, Unweighter
    from crosshook.core.registry import Registry
    from crosshook.core.report.sections import Headline

BLOCK: Final = 10_000
"""Events that share a random stream. Changing it changes results."""
STAGE: Final = "unweight-file"


@dataclass(frozen=True, repr=False)
class UnweightReport(Shown):
    """Accounting of an unweighting. Cross sections and weights in pb.

    Attributes:
        input: the file read.
        output: the file written.
        seed: of the random numbers.
        unweighter: the component with its options.
        events_in: events read.
        points_in: points they stand for: Σtrials, or the events.
        events_out: events written.
        cross_section_in_pb: σ of the input.
        cross_section_in_error_pb: its error, None if unknown.
        rule_in: how it was found.
        cross_section_out_pb: mean weight of the output.
        maximum_pb: w_max in the input's weights.
        efficiency: ⟨min(|w|, w_max)⟩/w_max over all points, those without an event included.
        efficiency_events: the same over the events of the input.
        overweights: events written with more than the common weight.
        overweight_share: share of Σ|w| of the output that exceeds the common weight.
        kish_in: (Σw)²/(n Σw²) of the input.
        kish_out: the same of the output.
        negative_fraction_in: share of events with a negative weight.
        negative_fraction_out: the same of the output.
        notes: what the unweighter says about its maxima.
        skipped: events that could not be read and were left out.
    """

    input: str
    output: str
    seed: int
    unweighter: dict[str, object]
    events_in: int
    points_in: float
    events_out: int
    cross_section_in_pb: float
    cross_section_in_error_pb: float | None
    rule_in: str
    cross_section_out_pb: float
    maximum_pb: float
    efficiency: float
    efficiency_events: float
    overweights: int
    overweight_share: float
    kish_in: float
    kish_out: float
    negative_fraction_in: float
    negative_fraction_out: float
    notes: tuple[str, ...]
    skipped: tuple[SkippedEvent, ...]

    def headline(self) -> Headline:
        """What it is and the numbers that matter, as they are shown."""
        from crosshook.core.report.file_accounts import unweight_headline

        return unweight_headline(self)

    def as_json(self) -> dict[str, object]:
        """The report as values JSON can hold."""
        return asdict(self)


class KnownWeights:
    """Candidates whose weights are known: rows of a file, all of one channel."""

    def __init__(self, weight: Tensor) -> None:
        """Takes the weights, `(n,)`."""
        self._weight = weight

    @property
    def channel(self) -> Tensor:
        """Zero for every row, `(n,)` int64."""
        import torch

        return torch.zeros(len(self._weight), dtype=torch.int64)

    def surrogate(self) -> Tensor:
        """The weights themselves."""
        return self._weight

    def weight(self, index: Tensor) -> Tensor:
        """The weights of some rows."""
        return self._weight[index]


@dataclass(frozen=True)
class Choice:
    """Events that are kept.

    Attributes:
        rows: of each block of `BLOCK` events.
        factors: by which their weights are multiplied, before the common scale.
        weights: of all of them then, `(n,)`.
        maximum: the largest |weight| that is no overweight.
        notes: what the unweighter said.
    """

    rows: list[IntArray]
    factors: list[FloatArray]
    weights: FloatArray
    maximum: float
    notes: tuple[str, ...]

    def overweights(self) -> tuple[int, float]:
        """Events with more than the maximum, and the share of Σ|w| that exceeds it."""
        excess = np.maximum(np.abs(self.weights) - self.maximum, 0.0)
        count = int(np.count_nonzero(excess > 1e-12 * self.maximum))
        return count, float(np.sum(excess) / np.sum(np.abs(self.weights)))


def unweight_file(
    source: Path,
    destination: Path,
    seed: int,
    unweighter: Slot | str | Mapping[str, object] = "rejection",
    overwrite: bool = False,
    registry: Registry | None = None,
    *,
    on_error: OnError = "stop",
) -> UnweightReport:
    """Turns a file of weighted events into one of (nearly) equal weights.

    Overweights are kept with their excess weight. Negative weights keep their sign. Events of
    weight zero are dropped. A file that says how many trials each event took stands for so many
    points; the output says nothing about trials, because its mean weight is σ.

    Args:
        source: file of weighted events.
        destination: file to write; its extension chooses the format.
        seed: of the random numbers.
        unweighter: component and options, as in a run file.
        overwrite: whether to replace an existing file.
        registry: where components come from.
        on_error: `skip` leaves out events that cannot be read and lists them.

    Returns:
        What was kept, with which weights.

    Raises:
        InputError: if the input cannot be read or has no cross section.
        OutputError: if the output exists or cannot be written.
    """
    source_registry = registry or default_registry()
    check_destination(source, destination, overwrite)
    slot = Slot.parse(unweighter)
    weight, info, sums, skipped = read_weights(source, registry, on_error)
    sigma = cross_section(info, sums)
    if sigma.value is None or not np.any(weight):
        message = f"{source}: nothing to unweight: {sums.events} events, Σ|w| = {sums.absolute}"
        raise InputError(message)
    built = source_registry.build("unweighter", slot, BuildContext(), "unweighter")
    choice = _choose(cast("Unweighter", built), weight, seed)
    kept = choice.weights
    if not np.sum(kept) * sigma.value > 0:
        message = (
            f"{source}: the kept weights sum to {np.sum(kept):g} and the cross section is "
            f"{sigma.value:g} pb; no positive scale conserves it"
        )
        raise InputError(message)
    # XWGTUP such that its mean is σ, whatever the convention of the input.
    scale = sigma.value * len(kept) / float(np.sum(kept))
    shares = {number: p.weight / sums.weight for number, p in sums.processes.items()}
    final = final_info(info, shares, sigma, float(np.abs(kept).max()) * scale)
    write_chosen(source, destination, final, choice, scale, overwrite, registry, on_error)
    size = np.abs(weight)
    efficient = float(np.sum(np.minimum(size, choice.maximum))) / choice.maximum
    overweights, overweight_share = choice.overweights()
    return UnweightReport(
        input=str(source),
        output=str(destination),
        seed=seed,
        unweighter=Slot(slot.use, source_registry.options("unweighter", slot)).as_dict(),
        events_in=sums.events,
        points_in=sums.points,
        events_out=len(kept),
        cross_section_in_pb=sigma.value,
        cross_section_in_error_pb=sigma.error,
        rule_in=sigma.rule,
        cross_section_out_pb=float(np.sum(kept * scale)) / len(kept),
        maximum_pb=choice.maximum,
        efficiency=efficient / sums.points,
        efficiency_events=efficient / sums.events,
        overweights=overweights,
        overweight_share=overweight_share,
        kish_in=kish(weight),
        kish_out=kish(kept),
        negative_fraction_in=sums.negative_fraction,
        negative_fraction_out=float(np.mean(kept < 0)),
        notes=choice.notes,
        skipped=skipped,
    )


def read_weights(
    source: Path, registry: Registry | None, on_error: OnError
) -> tuple[FloatArray, RunInfo, WeightSums, tuple[SkippedEvent, ...]]:
    """First pass: all weights, in file order, and what could not be read."""
    if source == STANDARD_INPUT or source.is_fifo():
        message = f"{source}: is a pipe, and unweighting reads its input twice"
        raise InputError(message)
    sums = WeightSums()
    columns = []
    with open_events(source, BLOCK, registry, on_error=on_error) as stream:
        for batch in stream:
            sums.add(batch)
            columns.append(np.array(batch.event["weight"], np.float64))
        info, skipped = stream.info, tuple(stream.skipped)
    weight = np.concatenate(columns) if columns else np.zeros(0)
    bad = np.flatnonzero(~np.isfinite(weight))
    if bad.size:
        message = (
            f"{source}: {bad.size} of {weight.size} events have NaN or infinite weight; the first: "
            f"event {bad[0] + 1}, weight {weight[bad[0]]}"
        )
        raise InputError(message)
    return weight, info, sums, skipped


def _choose(unweighter: Unweighter, weight: FloatArray, seed: int) -> Choice:
    """Fits the maxima to all weights and chooses, block by block."""
    import torch

    from crosshook.core.interfaces.unweighter import Pilot
    from crosshook.core.random import torch_generator, uniform

    all_weights = torch.from_numpy(weight)
    channel = torch.zeros(len(weight), dtype=torch.int64)
    pilot = Pilot(weight=all_weights, channel=channel, n_channels=1)
    notes = unweighter.fit(pilot, torch_generator(seed, STAGE))
    rows, factors, kept_weights = [], [], []
    for block, start in enumerate(range(0, len(weight), BLOCK)):
        part = all_weights[start : start + BLOCK]
        numbers: torch.Tensor = uniform(seed, STAGE, block, (len(part), unweighter.n_uniform))
        kept: Kept = unweighter.unweight(KnownWeights(part), numbers)
        rows.append(kept.index.numpy())
        factors.append(kept.factor.numpy())
        kept_weights.append((part[kept.index] * kept.factor).numpy())
    maximum = float(unweighter.maxima()[0])
    return Choice(rows, factors, np.concatenate(kept_weights), maximum, tuple(notes))


def final_info(
    info: RunInfo, shares: Mapping[int, float], sigma: CrossSection, largest: float
) -> RunInfo:
    """The output's run information: weights in pb whose mean is σ.

    Args:
        info: the input's.
        shares: of each process in σ, by its number.
        sigma: σ.
        largest: |weight| of the output in pb.
    """
    value, error = sigma.value or 0.0, sigma.error or 0.0
    processes = []
    for process_id, share in sorted(shares.items()):
        # Errors of the processes such that their quadratic sum is the error of σ.
        spread = error * math.sqrt(abs(share))
        processes.append(ProcessInfo(process_id, value * share, spread, largest))
    note = "\nunweighted by crosshook; the mean of XWGTUP is the cross section in pb\n"
    header = {**info.header, "crosshook_unweight": note}
    return replace(info, weighting=-4, processes=tuple(processes), header=header)


def write_chosen(
    source: Path,
    destination: Path,
    info: RunInfo,
    choice: Choice,
    scale: float,
    overwrite: bool,
    registry: Registry | None,
    on_error: OnError,
) -> None:
    """Second pass: the chosen events with their weights."""
    with (
        open_events(source, BLOCK, registry, on_error=on_error) as stream,
        create_events(destination, info, overwrite, registry=registry) as writer,
    ):
        for batch, rows, factors in zip(stream, choice.rows, choice.factors, strict=True):
            chosen = batch[rows].with_weights(factors * scale)
            event = {name: c for name, c in chosen.event.items() if name != "trials"}
            own = replace(info, weights=chosen.info.weights)
            writer.write(replace(chosen, event=event, info=own))
        writer.close(info)
