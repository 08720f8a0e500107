"""Checks of generators: programs that can be run get two small batches to write.

Where the program is not installed, or a file it needs is missing, what needs it does not apply.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np
import torch

from crosshook.core.driving.child import log_text, running
from crosshook.core.driving.normalisation import batch_scale
from crosshook.core.driving.tally import Tally
from crosshook.core.errors import CrosshookError, UnfinishedError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import open_events
from crosshook.core.interfaces.generator import SEED_MAX, EventRequest, Job, Reading
from crosshook.core.testkit.finding import Finding, NotApplicable
from crosshook.core.testkit.shrink import with_fewest, with_smallest
from crosshook.core.testkit.subject import Case

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from crosshook.core.interfaces.generator import Generator
    from crosshook.core.testkit.subject import Subject

EVENTS: Final = 50
SEEDS: Final = (7, SEED_MAX)
LOGS: Final = (
    "",
    "\n\n",
    "\x00\ufffd pb +- ( pb",
    "Cross-section : +- pb\n1 : - pb +- ( e pb = nan % )",
)


def generator_of(subject: Subject) -> Generator:
    """The generator as the registry builds it."""
    return cast("Generator", subject.built(Case()))


def able(subject: Subject) -> Generator:
    """The generator, if its program can be run here.

    Raises:
        NotApplicable: if not, with its own reason.
    """
    generator = generator_of(subject)
    try:
        generator.check()
    except CrosshookError as error:
        reason = f"cannot be run here: {error}"
        raise NotApplicable(reason) from error
    return generator


@contextmanager
def prepared(generator: Generator) -> Iterator[Path]:
    """A folder in which the program has done what comes before its first batch."""
    with tempfile.TemporaryDirectory(prefix="crosshook-") as name:
        folder = Path(name)
        job = generator.prepare(folder, SEEDS[0])
        if job is not None:
            _run(generator, job, folder)
        yield folder


def _run(generator: Generator, job: Job, folder: Path) -> None:
    if job.command:
        with running(job, folder, folder / "kit.log") as child:
            child.check(generator)


def _events(
    generator: Generator, folder: Path, number: int, n: int, seed: int
) -> EventBatch | None:
    """All of the n events of a batch; None where there are no more."""
    job = generator.batch(EventRequest(folder, number, n, seed))
    if job is None:
        return None
    _run(generator, job, folder)
    if job.events is None:
        return None
    with open_events(folder / job.events, registry=None) as stream:
        batches = list(stream)
        return EventBatch.concatenate(batches) if batches else EventBatch.empty(stream.info)


def failures_are_explained(subject: Subject) -> Iterator[Finding]:
    """check returns, or raises one of crosshook's errors in one line."""
    try:
        generator_of(subject).check()
    except CrosshookError as error:
        if "\n" in str(error) or not str(error).strip():
            yield Finding(f"check raises a message that is not one line: {error!r}")
    except Exception as error:  # noqa: BLE001 - whatever a stranger's check raises
        yield Finding(
            f"check raises {type(error).__name__}, not one of crosshook's errors: {error}"
        )


def any_log_will_do(subject: Subject) -> Iterator[Finding]:
    """reading and explain take any text, empty or cut anywhere, and give a Reading and a sentence."""
    look = partial(_cannot_read, generator_of(subject))
    for log in LOGS:
        letters = {"log": torch.tensor([ord(letter) for letter in log], device="cpu")}
        finding = with_smallest(look, letters, show=lambda given: repr(_text(given)))
        if finding is not None:
            yield finding
            return


def _text(given: Mapping[str, Tensor]) -> str:
    return "".join(chr(int(letter)) for letter in given["log"])


def _cannot_read(generator: Generator, given: Mapping[str, Tensor]) -> Finding | None:
    log = _text(given)
    place = f"a log of {len(log)} characters"
    for name, kind in (("reading", Reading), ("explain", str)):
        try:
            found = getattr(generator, name)(log)
        except UnfinishedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a stranger's parser raises
            message = f"{name} raises {type(error).__name__}: {error}"
            return Finding(message, place, repr(log))
        if not isinstance(found, kind):
            message = f"{name} gives {found!r}, not a {kind.__name__}"
            return Finding(message, place, repr(log))
    return None


def jobs_follow_the_request(subject: Subject) -> Iterator[Finding]:
    """The same request gives the same job again; another seed or number gives another one."""
    generator = able(subject)
    with prepared(generator) as folder:
        requests = [
            EventRequest(folder, 0, EVENTS, SEEDS[0]),
            EventRequest(folder, 0, EVENTS, SEEDS[0]),
            EventRequest(folder, 1, EVENTS, SEEDS[1]),
        ]
        first, again, other = (generator.batch(request) for request in requests)
        if first is None:
            yield Finding("the first batch has no job")
            return
        if first != again:
            yield Finding(f"one request gives two jobs: {first} and {again}")
        if first == other:
            yield Finding(f"batches 0 and 1 with different seeds are one job: {first}")
        if first.events is None:
            yield Finding(f"a batch without an event file: {first}")


def events_say_their_cross_section(subject: Subject) -> Iterator[Finding]:
    """A batch is a file of events with finite weights that says what σ is."""
    finding = with_fewest(partial(_unsaid, able(subject)), EVENTS)
    if finding is not None:
        yield finding


def _unsaid(generator: Generator, n: int) -> Finding | None:
    place = f"events: {n}, seed {SEEDS[0]}"
    with prepared(generator) as folder:
        events = _events(generator, folder, 0, n, SEEDS[0])
        if events is None or not len(events):
            return Finding(f"no events, {n} were asked for", place)
        tally = Tally.empty(())
        try:
            tally.add(events, ())
            batch_scale(events.info, tally.sums(), None, "its file")
        except CrosshookError as error:
            return Finding(str(error), place)
        said = generator.reading(log_text(folder / "kit.log"))
        if said.error is not None and not said.error >= 0:
            return Finding(f"reading gives an error of {said.error} pb", place)
    return None


def seeds_choose_the_events(subject: Subject) -> Iterator[Finding]:
    """Batches of two seeds are different events; the same seed gives the same events again."""
    finding = with_fewest(partial(_unseeded, able(subject)), EVENTS)
    if finding is not None:
        yield finding


def _unseeded(generator: Generator, n: int) -> Finding | None:
    with prepared(generator) as folder:
        job = generator.batch(EventRequest(folder, 0, n, SEEDS[0]))
        if job is not None and not job.command:
            reason = "its events are there already"
            raise NotApplicable(reason)
        runs = [(0, SEEDS[0]), (0, SEEDS[0]), (1, SEEDS[1])]
        made = [_events(generator, folder, number, n, seed) for number, seed in runs]
    found = [np.zeros(0) if b is None else np.asarray(b.particle_columns["px"]) for b in made]
    if not np.array_equal(found[0], found[1]):
        message = f"the seed {SEEDS[0]} gives other events the second time"
        return Finding(message, f"events: {n}")
    if np.array_equal(found[0], found[2]):
        message = f"the same events come from the seeds {SEEDS[0]} and {SEEDS[1]}"
        return Finding(message, f"events: {n}")
    return None


CHECKS = (
    failures_are_explained,
    any_log_will_do,
    jobs_follow_the_request,
    events_say_their_cross_section,
    seeds_choose_the_events,
)
