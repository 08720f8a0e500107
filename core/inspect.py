"""What an event file holds: `inspect_file` reads it once and returns an `InspectReport`."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from crosshook.core.cross_section import WeightSums, cross_section
from crosshook.core.events.files import open_events
from crosshook.core.events.generator_name import generator_names
from crosshook.core.report.shown import Shown

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.interfaces.event_format import OnError, SkippedEvent
    from crosshook.core.registry import Registry
    from crosshook.core.report.sections import Headline, Table


@dataclass(frozen=True)
class ProcessReport:
    """One process of the file.

    Attributes:
        process_id: LPRUP.
        xsecup_pb: XSECUP as written, None if it is no number or the process is not in the block.
        xerrup_pb: XERRUP as written, None likewise.
        events: number of its events.
        negative: how many have a negative weight.
    """

    process_id: int
    xsecup_pb: float | None
    xerrup_pb: float | None
    events: int
    negative: int


@dataclass(frozen=True)
class ParticleRow:
    """One particle of the first event; momenta in GeV, mothers 1-based."""

    pdg_id: int
    status: int
    mothers: tuple[int, int]
    colours: tuple[int, int]
    px: float
    py: float
    pz: float
    e: float
    mass: float
    spin: float


@dataclass(frozen=True, repr=False)
class InspectReport(Shown):
    """What an event file holds.

    Attributes:
        file: its path.
        version: version of the file format.
        generators: name and version of each generator named in it.
        beams: PDG ids.
        energies: of the beams in GeV.
        pdf_sets: PDFSUP.
        weighting: IDWTUP.
        events: number of events n.
        trials: Σtrials, None if not given.
        cross_section_pb: σ, None if unknown.
        cross_section_error_pb: its standard error, None if unknown.
        rule: how σ was found; see `crosshook.core.cross_section`.
        reason: why that rule.
        processes: what the init block and the events say of each process.
        weights: ids of the further weights.
        multiplicities: number of events by number of particles.
        negative_fraction: share of events with a negative weight.
        kish: (Σw)²/(n Σw²), None without weights.
        weight_max_over_mean: max|w|/⟨|w|⟩, None without weights.
        header: tags of the header's blocks.
        first_event: its particles; empty if there is no event.
        skipped: events that could not be read and are not counted.
    """

    file: str
    version: str
    generators: tuple[str, ...]
    beams: tuple[int, int]
    energies: tuple[float, float]
    pdf_sets: tuple[int, int]
    weighting: int
    events: int
    trials: float | None
    cross_section_pb: float | None
    cross_section_error_pb: float | None
    rule: str
    reason: str
    processes: tuple[ProcessReport, ...]
    weights: tuple[str, ...]
    multiplicities: dict[int, int]
    negative_fraction: float
    kish: float | None
    weight_max_over_mean: float | None
    header: tuple[str, ...]
    first_event: tuple[ParticleRow, ...]
    skipped: tuple[SkippedEvent, ...]

    def headline(self) -> Headline:
        """What it is and the numbers that matter, as they are shown."""
        from crosshook.core.report.file_accounts import inspect_headline

        return inspect_headline(self)

    def tables(self) -> tuple[Table, ...]:
        """Processes of the file."""
        from crosshook.core.report.file_accounts import inspect_table

        return (inspect_table(self),)

    def as_json(self) -> dict[str, object]:
        """The report as values JSON can hold."""
        return asdict(self)


def inspect_file(
    path: str | Path, registry: Registry | None = None, *, on_error: OnError = "stop"
) -> InspectReport:
    """Reads an event file of any known format.

    Args:
        path: the file, or `-` for standard input.
        registry: where formats come from.
        on_error: `skip` leaves out events that cannot be read and lists them.

    Returns:
        Its figures.

    Raises:
        InputError: if it cannot be read to its end.
    """
    sums = WeightSums()
    multiplicities: Counter[int] = Counter()
    first: tuple[ParticleRow, ...] = ()
    with open_events(path, registry=registry, on_error=on_error) as stream:
        for batch in stream:
            if not sums.events:
                first = _particle_rows(batch[:1])
            sums.add(batch)
            multiplicities.update(batch.counts.tolist())
        info, skipped = stream.info, tuple(stream.skipped)
    sigma = cross_section(info, sums)
    announced = {p.process_id: p for p in info.processes}
    processes = []
    for process_id in sorted({*announced, *sums.processes}):
        line, counted = announced.get(process_id), sums.processes.get(process_id)
        processes.append(
            ProcessReport(
                process_id,
                line.cross_section if line and math.isfinite(line.cross_section) else None,
                line.error if line and math.isfinite(line.error) else None,
                counted.events if counted else 0,
                counted.negative if counted else 0,
            )
        )
    return InspectReport(
        file=str(path),
        version=info.version,
        generators=generator_names(info),
        beams=info.beams,
        energies=info.energies,
        pdf_sets=info.pdf_sets,
        weighting=info.weighting,
        events=sums.events,
        trials=sums.trials,
        cross_section_pb=sigma.value,
        cross_section_error_pb=sigma.error,
        rule=sigma.rule,
        reason=sigma.reason,
        processes=tuple(processes),
        weights=info.weight_ids,
        multiplicities=dict(sorted(multiplicities.items())),
        negative_fraction=sums.negative_fraction,
        kish=sums.kish,
        weight_max_over_mean=(
            sums.largest * sums.events / sums.absolute if sums.absolute else None
        ),
        header=tuple(info.header),
        first_event=first,
        skipped=skipped,
    )


def _particle_rows(batch: EventBatch) -> tuple[ParticleRow, ...]:
    c = {name: column.tolist() for name, column in batch.particle_columns.items()}
    return tuple(
        ParticleRow(
            pdg_id=c["pdg_id"][i],
            status=c["status"][i],
            mothers=(c["mother1"][i], c["mother2"][i]),
            colours=(c["colour1"][i], c["colour2"][i]),
            px=c["px"][i],
            py=c["py"][i],
            pz=c["pz"][i],
            e=c["e"][i],
            mass=c["mass"][i],
            spin=c["spin"][i],
        )
        for i in range(len(c["pdg_id"]))
    )
