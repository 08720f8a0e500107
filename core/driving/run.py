"""A run with a program: its events, batch by batch, unweighted into event files and a report.

How many events are asked for: first as many as are wanted, at least `LEAST` and at most
`generate.pilot`, which fix the unweighter's maxima; then, batch by batch, as many as the share kept
so far says are missing and a tenth more, at most `MOST` at a time. Every batch has a seed of its own.
The events of the first batch are unweighted as well. σ counts every point the program tried,
whatever is cut off at the end.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from crosshook.core.assemble import output_files
from crosshook.core.context import BuildContext
from crosshook.core.driving.batches import Batches, First
from crosshook.core.driving.child import log_text
from crosshook.core.driving.files import file_info, write_events
from crosshook.core.driving.result import (
    NOTHING_TRAINED,
    generation_of,
    integration_of,
    run_cross_section,
    shares,
)
from crosshook.core.driving.tally import Tally
from crosshook.core.errors import NumericalError
from crosshook.core.generation_result import FileResult, ProgramBatch, ProgramResult
from crosshook.core.interfaces.generator import Reading
from crosshook.core.provenance import versions
from crosshook.core.report.html import write_html
from crosshook.core.results import RunResult, as_json
from crosshook.core.run_directory import RunDirectory
from crosshook.core.stage_records import StageRecords

if TYPE_CHECKING:
    from crosshook.core.driving.config import DrivenConfig
    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.generation_result import GenerationResult
    from crosshook.core.interfaces.generator import Generator
    from crosshook.core.registry import Registry
    from crosshook.core.run import Reporter
    from crosshook.core.run_file import RunFile

LEAST: Final = 1000
"""Events of a batch at least."""
MOST: Final = 200_000
"""Events of a batch at most: what a stopped run loses."""
RESERVE: Final = 1.1
GROWTH: Final = 10
"""A batch is at most so many times as large as the one before, if nothing was kept yet."""
APART: Final = 5.0
"""Standard errors between σ of the events and the program's own from which on a note says so."""


def build_generator(config: DrivenConfig, registry: Registry) -> Generator:
    """The generator of a run, ready to start.

    Raises:
        ConfigurationError: if its program or a file it needs is missing.
    """
    built = registry.build("generator", config.generator, BuildContext(), "generator")
    generator = cast("Generator", built)
    generator.check()
    return generator


class DrivenRun:
    """One run with a program on its way."""

    def __init__(
        self,
        config: DrivenConfig,
        run_file: RunFile,
        overwrite: bool,
        resumed: bool,
        reporter: Reporter,
    ) -> None:
        """Checks all that can be checked, then makes the directory or takes it up.

        Args:
            config: the run.
            run_file: it was read from.
            overwrite: a run that is there already may be replaced.
            resumed: the directory holds this run, stopped on its way.
            reporter: shows progress.
        """
        self._began = time.perf_counter()
        registry = run_file.registry
        self._config, self._registry, self._reporter = config, registry, reporter
        self._generator = build_generator(config, registry)
        self._outputs = output_files(config.formats, registry)
        registry.build("unweighter", config.unweighter, BuildContext(), "generate.unweighter")
        if resumed:
            self.directory = RunDirectory.unfinished(run_file.directory)
        else:
            self.directory = RunDirectory.create(run_file.directory, overwrite)
        self._records = StageRecords(self.directory, config.document)
        self._notes: tuple[str, ...] = ()
        if resumed:
            self._notes = self._records.changes("cpu")
        else:
            self.directory.keep_run_file(config.document, run_file.document)
            self._records.start("cpu")

    def whole(self) -> RunResult:
        """Everything from the program's integration to the report."""
        from crosshook.core.run import Plan

        self.directory.parts.mkdir(exist_ok=True)
        self.directory.generator.mkdir(exist_ok=True)
        plan = Plan(dict(self._config.document), self.directory.path)
        self._registry.tell("crosshook_run_started", plan=plan)
        maker = Batches(
            self._config, self._generator, self.directory, self._registry, self._reporter
        )
        reading = self._prepared(maker)
        batches, first = self._batches(maker)
        if reading is None:
            log = log_text(self.directory.generator_log(batches[0].number))
            reading = self._generator.reading(log)
        return self._finish(batches, first, reading)

    def _prepared(self, maker: Batches) -> Reading | None:
        found = self._records.find("prepare")
        if found is None:
            start = time.perf_counter()
            said = maker.prepare()
            found = {"reading": None if said is None else asdict(said)}
            self._records.keep("prepare", found)
            self._note(f"prepare: {time.perf_counter() - start:.1f} s")
        reading = found["reading"]
        return None if reading is None else Reading(**cast("dict[str, Any]", reading))

    def _batches(self, maker: Batches) -> tuple[list[ProgramBatch], First]:
        """Batches until there are enough events, or no more to be had."""
        made: list[ProgramBatch] = []
        first: First | None = None
        while sum(b.kept for b in made) < self._config.events:
            number = len(made)
            found = self._records.find(f"batch-{number:03}")
            if found is not None:
                batch = ProgramBatch(**cast("dict[str, Any]", found["batch"]))
                if first is None:
                    first = maker.settle_again(found)
                maker.count(Tally.load(self.directory.tally(number)))
            else:
                self._check_limit(made)
                asked = self._wanted(made)
                result = maker.make(number, asked, first)
                if result is None:
                    break
                batch, first = result
                settled = maker.settled(first) if number == 0 else {}
                self._records.keep(f"batch-{number:03}", {"batch": asdict(batch), **settled})
                self._note(f"batch {number}: {batch.kept} of {batch.events} events kept")
            made.append(batch)
        if first is None or not any(b.kept for b in made):
            message = f"generator {self._config.generator.use!r} gave no events to keep"
            raise NumericalError(message)
        return made, first

    def _wanted(self, made: list[ProgramBatch]) -> int:
        """Events to ask for next; see the module."""
        if not made:
            return min(max(self._config.events, LEAST), max(self._config.pilot, LEAST))
        kept, read = sum(b.kept for b in made), sum(b.events for b in made)
        if not kept:
            return min(GROWTH * made[-1].asked, MOST)
        missing = (self._config.events - kept) * read / kept
        return min(max(math.ceil(RESERVE * missing), LEAST), MOST)

    def _check_limit(self, made: list[ProgramBatch]) -> None:
        points = sum(b.points for b in made)
        if points >= self._config.max_evaluations:
            kept = sum(b.kept for b in made)
            message = (
                f"{kept} of {self._config.events} events after {points:.0f} points; "
                f"generate.max_evaluations is {self._config.max_evaluations}"
            )
            raise NumericalError(message)

    def _finish(self, batches: list[ProgramBatch], first: First, reading: Reading) -> RunResult:
        """Files and report."""
        start = time.perf_counter()
        tallies = [Tally.load(self.directory.tally(b.number)) for b in batches]
        config, sigma = self._config, run_cross_section(batches)
        generation = self._write(batches, tallies, first, start)
        tell = self._registry.tell
        tell("crosshook_stage_finished", stage="generate", report=generation)
        seconds = sum(b.seconds for b in batches)
        integration = integration_of(
            batches,
            tallies,
            first.histograms,
            reading.program or config.generator.use,
            config.seed,
            seconds,
        )
        program = ProgramResult(
            config.generator.use,
            reading.program,
            math.nan if reading.cross_section is None else reading.cross_section,
            math.nan if reading.error is None else reading.error,
            dict(reading.facts),
            tuple(batches),
        )
        result = RunResult(
            format="crosshook-report/1",
            process=reading.process or config.generator.use,
            beams=first.info.beams,
            energy=sum(first.info.energies),
            parton_density=_densities(first.info),
            seed=config.seed,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            versions=versions(),
            configuration=dict(config.document),
            training=NOTHING_TRAINED,
            integration=integration,
            generation=generation,
            seconds=time.perf_counter() - self._began,
            notes=(*self._notes, *generation.notes, *_disagreement(program, *sigma)),
            generator=program,
        )
        self._report(result)
        self.directory.clear_checkpoints()
        return replace(result, seconds=time.perf_counter() - self._began)

    def _write(
        self, batches: list[ProgramBatch], tallies: list[Tally], first: First, start: float
    ) -> GenerationResult:
        config, sigma = self._config, run_cross_section(batches)
        kept = np.concatenate([t.kept for t in tallies])[: config.events]
        events, total = len(kept), float(kept.sum())
        if not total * sigma[0] > 0:
            message = (
                f"the kept weights sum to {total:g} and the cross section is {sigma[0]:g} pb; "
                "no positive scale conserves it"
            )
            raise NumericalError(message)
        scale = sigma[0] * events / total
        parts = shares(tallies)
        largest = float(np.abs(kept).max()) * scale
        self.directory.clear_outputs()
        self.directory.keep_registered(())
        paths = [(self.directory.events(ending), slot) for ending, slot in self._outputs]
        written = write_events(
            [self.directory.part(b.number) for b in batches if b.kept],
            paths,
            file_info(config, first.info, parts, sigma, largest),
            scale,
            events,
            first.choice.maximum,
            first.histograms,
            self._registry,
        )
        short = (
            (f"the program had no more events: {events} of {config.events} were made",)
            if events < config.events
            else ()
        )
        seconds = sum(b.seconds for b in batches) + time.perf_counter() - start
        return generation_of(
            batches,
            written,
            first.histograms,
            parts,
            first.choice.notes,
            tuple(FileResult(*self.directory.register(path)) for path, _ in paths),
            seconds,
            short,
        )

    def _report(self, result: RunResult) -> None:
        self.directory.write_json(self.directory.report, as_json(result))
        self.directory.register(self.directory.report)
        if self._config.html:
            write_html(self.directory.read_json(self.directory.report), self.directory.page)
            self.directory.register(self.directory.page)

    def _note(self, line: str) -> None:
        self.directory.note(f"{datetime.now(UTC).isoformat(timespec='seconds')} {line}")


def _densities(info: RunInfo) -> str:
    """The parton densities as the init block numbers them."""
    numbers = sorted({n for n in info.pdf_sets if n > 0})
    return ", ".join(f"LHAPDF {n}" for n in numbers)


def _disagreement(program: ProgramResult, value: float, error: float) -> tuple[str, ...]:
    """A note if the events and the program's own integral cannot be of one σ."""
    if math.isnan(program.cross_section):
        return ()
    own = 0.0 if math.isnan(program.error) else program.error
    spread = math.hypot(error, own)
    apart = abs(value - program.cross_section)
    if apart <= APART * spread:
        return ()
    text = (
        f"σ of the events is {value:.6g} pb, the program's own integral {program.cross_section:.6g} "
        f"pb, {apart / spread:.1f} standard errors apart; in samples with vetoes, decays or "
        "merging that may be right"
    )
    return (text,)
