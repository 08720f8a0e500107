"""One seed, one sample: bit for bit, whatever the order blocks are computed in."""

from __future__ import annotations

import gzip
import random
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.execute import one_thread
from crosshook.core.more_events import generate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from crosshook.core.execute import Task
    from tests.physics.conftest import Finished

pytestmark = pytest.mark.physics

SMALL = (
    "sampling.evaluations=20000",
    "integrate.evaluations=200000",
    "integrate.relative_error=2.0e-3",
    "generate.pilot=20000",
    "generate.events=3000",
    "block_size=1024",
)


@dataclass
class Reordered:
    """An executor that computes what waits in another order; an honest one for a cluster."""

    order: Callable[[list[Task]], None]
    waiting: list[Task] = field(default_factory=list)

    def submit(self, task: Task) -> None:
        """Accepts a task."""
        self.waiting.append(task)

    def as_completed(self) -> Iterator[tuple[Task, object]]:
        """Computes everything before the first result is given."""
        tasks, self.waiting = self.waiting, []
        self.order(tasks)
        with one_thread():
            results = [(task, task.run()) for task in tasks]
        yield from results

    def cancel(self) -> None:
        """Forgets tasks that have not begun."""
        self.waiting.clear()


class Pool:
    """An executor over processes that share nothing with this one but the disk.

    Every task travels as a pickle, and so does every result.
    """

    def __init__(self, workers: int) -> None:
        """Starts fresh interpreters; each computes on one thread."""
        self.processes = ProcessPoolExecutor(
            workers, get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
        )
        self.tasks: dict[Future[object], Task] = {}

    def submit(self, task: Task) -> None:
        """Accepts a task."""
        self.tasks[self.processes.submit(task.run)] = task

    def as_completed(self) -> Iterator[tuple[Task, object]]:
        """Results in the order they finish."""
        for future in as_completed(list(self.tasks)):
            yield self.tasks.pop(future), future.result()

    def cancel(self) -> None:
        """Forgets tasks that have not begun and drops the results of those that have."""
        for future in self.tasks:
            future.cancel()
        self.tasks.clear()


def text(run: Finished) -> bytes:
    """The event file without its compression."""
    return gzip.decompress((run.directory / "events.lhe.gz").read_bytes())


@pytest.fixture
def first(runner: Callable[..., Finished]) -> Finished:
    """A small run."""
    return runner("ttbar", "first", *SMALL)


def test_same_seed_twice(first: Finished, runner: Callable[..., Finished]) -> None:
    """The files are equal, the results too."""
    again = runner("ttbar", "again", *SMALL)
    assert (again.directory / "events.lhe.gz").read_bytes() == (
        first.directory / "events.lhe.gz"
    ).read_bytes()
    assert again.result.integration.cross_section == first.result.integration.cross_section
    assert again.generation.histograms == first.generation.histograms


@pytest.mark.parametrize(
    "order",
    [lambda tasks: tasks.reverse(), random.Random(20261122).shuffle],
    ids=["reversed", "shuffled"],
)
def test_order_of_blocks(
    first: Finished, runner: Callable[..., Finished], order: Callable[[list[Task]], None]
) -> None:
    """Stopping rules and the cut of the surplus look at blocks by number."""
    other = runner("ttbar", "other", *SMALL, executor=Reordered(order))
    assert first.result.integration.evaluations < 200_000  # the stopping rule did stop it
    assert text(other) == text(first)
    assert other.result.integration.cross_section == first.result.integration.cross_section
    assert other.result.integration.error == first.result.integration.error
    assert other.generation.variations == first.generation.variations


def test_other_processes(first: Finished, runner: Callable[..., Finished]) -> None:
    """Tasks and results are plain data: a pool of processes gives the same bits."""
    pool = Pool(2)
    try:
        other = runner("ttbar", "other", *SMALL, executor=pool)
    finally:
        pool.processes.shutdown(cancel_futures=True)
    assert text(other) == text(first)
    assert other.result.integration.running == first.result.integration.running
    assert other.result.integration.histograms == first.result.integration.histograms
    assert other.generation.histograms == first.generation.histograms
    assert other.generation.cross_section == first.generation.cross_section


def test_number_of_threads(first: Finished, runner: Callable[..., Finished]) -> None:
    """Blocks compute on one thread whatever torch was told."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        other = runner("ttbar", "other", *SMALL)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert text(other) == text(first)


def test_global_random_state_is_not_used(first: Finished, runner: Callable[..., Finished]) -> None:
    """Neither read nor changed."""
    before = torch.random.get_rng_state(), repr(np.random.get_state())
    other = runner("ttbar", "other", *SMALL)
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert before[1] == repr(np.random.get_state())
    assert text(other) == text(first)


def test_other_seed(first: Finished, runner: Callable[..., Finished]) -> None:
    """No event in common, and the same σ within errors."""
    other = runner("ttbar", "other", *SMALL, seed=7)
    own, theirs = (
        set(np.asarray(r.events().particle_columns["px"])) - {0.0} for r in (first, other)
    )
    assert not own & theirs
    a, b = first.result.integration, other.result.integration
    assert abs(a.cross_section - b.cross_section) < 4 * np.hypot(a.error, b.error)


def test_generate_repeats_itself(first: Finished, tmp_path: Path) -> None:
    """The trained sampler again: the same seed the same events, none of the run's own."""
    results = [
        generate(first.directory, events=1500, seed=99, output=tmp_path / name)
        for name in ("one", "two")
    ]
    one, two = (
        gzip.decompress((tmp_path / n / "events.lhe.gz").read_bytes()) for n in ("one", "two")
    )
    assert one == two
    assert results[0].cross_section == results[1].cross_section
    own = set(np.asarray(first.events().particle_columns["px"])) - {0.0}
    for value in own:
        assert f" {value!r} ".encode() not in one[:20000]
    with pytest.raises(ConfigurationError, match="the run's own"):
        generate(first.directory, events=10, seed=first.result.seed, output=tmp_path / "three")
