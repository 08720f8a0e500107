"""Batches of a program's events: run, read while they are written, unweighted, the rest dropped."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from crosshook.core.config import HistogramSpec
from crosshook.core.cross_section import WeightSums
from crosshook.core.driving.child import TAIL, log_text, running
from crosshook.core.driving.choice import BLOCK, Choice
from crosshook.core.driving.growing import GrowingEvents
from crosshook.core.driving.normalisation import batch_scale, batch_seed
from crosshook.core.driving.observables import standard_histograms
from crosshook.core.driving.tally import Tally, observable
from crosshook.core.errors import InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.file_sequence import check_fit
from crosshook.core.events.files import create_events, open_events
from crosshook.core.events.run_info import RunInfo
from crosshook.core.generation_result import ProgramBatch
from crosshook.core.interfaces.generator import EventRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from crosshook.core.driving.child import Child
    from crosshook.core.driving.config import DrivenConfig
    from crosshook.core.events.layout import FloatArray
    from crosshook.core.interfaces.generator import Generator, Job, Reading
    from crosshook.core.registry import Registry
    from crosshook.core.run import Reporter
    from crosshook.core.run_directory import RunDirectory

TICK: Final = 1.0
"""Seconds after which a program that gives nothing is looked at again."""
SURVEY: Final = 5000
"""Events that fix the axes of histograms."""


@dataclass
class First:
    """What the first batch settles for all.

    Attributes:
        choice: the fitted unweighter.
        histograms: to fill.
        info: of the program's file.
        cross_section: of the batch in pb.
        trials: whether events say how many points they took.
    """

    choice: Choice
    histograms: tuple[HistogramSpec, ...]
    info: RunInfo
    cross_section: float
    trials: bool


class Batches:
    """Makes the batches of one run.

    Attributes:
        running: sums over all events so far, in pb, for those who watch.
    """

    def __init__(
        self,
        config: DrivenConfig,
        generator: Generator,
        directory: RunDirectory,
        registry: Registry,
        reporter: Reporter,
    ) -> None:
        """Names what they are made with."""
        self._config, self._generator, self._directory = config, generator, directory
        self._registry, self._reporter = registry, reporter
        self.running = WeightSums()
        self._kept = 0
        self._shown = 0

    def prepare(self) -> Reading | None:
        """What the program does before its first event; what it says, or None if that is nothing."""
        seed = batch_seed(self._config.seed, -1)
        job = self._generator.prepare(self._directory.generator, seed)
        if job is None:
            return None
        log = self._directory.generator_log()
        with running(job, self._directory.generator, log) as child:
            while not child.ended:
                self._watch("integrate", 0, log)
                time.sleep(TICK / 4)
            child.check(self._generator)
        self._watch("integrate", 1, log)
        return self._generator.reading(log_text(log))

    def _watch(self, stage: str, done: int, log: Path) -> None:
        said = self._generator.reading(log_text(log, TAIL))
        figures = {} if said.cross_section is None else {"sigma": said.cross_section}
        if figures and said.error is not None:
            figures["error"] = said.error
        self._reporter.update(stage, done, 1, **figures)

    def make(
        self, number: int, asked: int, first: First | None
    ) -> tuple[ProgramBatch, First] | None:
        """One batch, from the program to the kept events on disk.

        Args:
            number: of the batch.
            asked: events to ask for.
            first: what the first batch has settled; None for that one.

        Returns:
            The batch and what is settled, or None if the program has no more events.
        """
        start = time.perf_counter()
        seed = batch_seed(self._config.seed, number)
        folder = self._directory.generator
        job = self._generator.batch(EventRequest(folder, number, asked, seed))
        if job is None:
            return None
        if job.events is None:
            message = f"generator {self._config.generator.use!r}: a batch without an event file"
            raise InputError(message)
        path = folder / job.events
        log = self._directory.generator_log(number)
        # a file of the run itself: nobody else has written it, and nobody else needs it
        own = bool(job.command) and path.is_relative_to(folder)
        with ExitStack() as stack:
            if own:
                path.unlink(missing_ok=True)
            elif not job.command and not path.is_file():
                message = f"{path}: there is no such file"
                raise InputError(message)
            child = stack.enter_context(running(job, folder, log)) if job.command else None
            if first is not None and first.trials:
                blocks = self._grown(path, job, child, asked, quiet=True)
                tally, sigma = self._choose(path, blocks, first, number, 1.0), None
            else:
                weights = _Weights()
                for events in self._grown(path, job, child, asked, quiet=False):
                    weights.add(events)
                scale, sigma = batch_scale(
                    weights.info,
                    weights.sums,
                    None if first is None else first.cross_section,
                    path,
                )
                if first is None:
                    first = self._settle(weights, scale, sigma.value or 0.0)
                blocks = self._again(path)
                tally = self._choose(path, blocks, first, number, scale)
        if sigma is None:
            _, sigma = batch_scale(first.info, tally.sums(), first.cross_section, path)
        tally.save(self._directory.tally(number))
        if own and not self._config.keep_weighted:
            path.unlink(missing_ok=True)
        made = ProgramBatch(
            number,
            asked,
            seed,
            len(tally.weight),
            tally.points,
            len(tally.kept),
            sigma.value or 0.0,
            sigma.error or 0.0,
            sigma.rule,
            time.perf_counter() - start,
        )
        return made, first

    def settle_again(self, values: dict[str, object]) -> First:
        """What the first batch had settled, of a run that goes on."""
        tally = Tally.load(self._directory.tally(0))
        slot = self._config.unweighter
        return First(
            Choice(slot, self._registry, tally.weight, self._config.seed),
            tuple(HistogramSpec(**h) for h in cast("list[dict[str, Any]]", values["histograms"])),
            RunInfo.from_json(cast("dict[str, Any]", values["info"])),
            cast("float", values["cross_section"]),
            bool(values["trials"]),
        )

    @staticmethod
    def settled(first: First) -> dict[str, object]:
        """The same as values JSON can hold."""
        return {
            "histograms": [asdict(h) for h in first.histograms],
            "info": first.info.as_json(),
            "cross_section": first.cross_section,
            "trials": first.trials,
        }

    def count(self, tally: Tally) -> None:
        """Takes a batch of an earlier process into what is shown."""
        self.running.add_weights(tally.weight, tally.process_id, tally.trials)
        self._kept += len(tally.kept)

    def _settle(self, weights: _Weights, scale: float, sigma: float) -> First:
        """Fits the unweighter and fixes the histograms on the first batch."""
        survey = weights.survey()
        wanted = self._config.histograms
        for spec in wanted:
            observable(spec, survey)
        choice = Choice(
            self._config.unweighter, self._registry, weights.all() * scale, self._config.seed
        )
        trials = weights.sums.trials is not None
        specs = wanted or tuple(standard_histograms(survey))
        return First(choice, specs, weights.info, sigma, trials)

    def _grown(
        self, path: Path, job: Job, child: Child | None, asked: int, quiet: bool
    ) -> Iterator[EventBatch]:
        """Blocks of events as they are written; the program's end, good or bad, is seen to."""
        complete: Callable[[], bool] = (lambda: True) if child is None else (lambda: child.ended)
        read = 0
        try:
            with GrowingEvents(path, complete, BLOCK, self._registry) as events:
                for block in events.batches(TICK):
                    if block is not None:
                        read += len(block)
                        yield block
                    if not quiet:
                        self._reporter.update("pilot", min(read, asked), asked)
        except InputError as error:
            if child is not None and child.ended:
                child.check(self._generator)
                if not path.is_file():
                    message = f"{job.command[0]} ended without writing {path}; see {child.log}"
                    raise InputError(message) from error
            raise
        if child is not None:
            child.check(self._generator)

    def _again(self, path: Path) -> Iterator[EventBatch]:
        with open_events(path, BLOCK, self._registry) as stream:
            yield from stream

    def _choose(
        self,
        path: Path,
        blocks: Iterable[EventBatch],
        first: First,
        number: int,
        scale: float,
    ) -> Tally:
        """Counts all events and writes the kept ones."""
        tally = Tally.empty(first.histograms)
        writer = None
        part = self._directory.part(number)
        with ExitStack() as stack:
            for block, events in enumerate(blocks):
                if block == 0:
                    check_fit(Path("the first batch"), first.info, path, events.info)
                if first.trials and "trials" not in events.event:
                    message = f"{path}: events without trials, unlike those of the first batch"
                    raise InputError(message)
                whole = events.with_weights(scale)
                try:
                    tally.add(whole, first.histograms)
                except InputError as error:
                    message = f"{path}: {error}"
                    raise InputError(message) from error
                self.running.add(whole)
                kept = first.choice.kept(events, scale, number, block)
                tally.keep(kept, first.histograms)
                self._kept += len(kept)
                if len(kept):
                    if writer is None:
                        info = replace(events.info, weighting=-4)
                        opened = create_events(part, info, True, registry=self._registry)
                        writer = stack.enter_context(opened)
                    writer.write(kept.with_info(replace(kept.info, weighting=-4)))
                self._show()
        return tally

    def _show(self) -> None:
        wanted = self._config.events
        done = min(self._kept, wanted)
        if self._shown == done == wanted:  # the rest is surplus
            return
        self._shown = done
        self._reporter.update(
            "events",
            done,
            wanted,
            sigma=self.running.mean,
            error=self.running.mean_error,
            efficiency=self._kept / max(self.running.events, 1),
        )


class _Weights:
    """Weights of a batch that is read before anything of it is chosen."""

    def __init__(self) -> None:
        self.sums, self.info = WeightSums(), RunInfo()
        self._columns: list[FloatArray] = []
        self._first: list[EventBatch] = []

    def add(self, events: EventBatch) -> None:
        """Takes in a block; events in the file's own weights."""
        if not self._columns:
            self.info = events.info
        self.sums.add(events)
        self._columns.append(np.array(events.event["weight"], np.float64))
        if sum(map(len, self._first)) < SURVEY:
            self._first.append(events)

    def all(self) -> FloatArray:
        """Every weight, `(n,)`."""
        return np.concatenate(self._columns)

    def survey(self) -> EventBatch:
        """The first events."""
        return EventBatch.concatenate(self._first)
