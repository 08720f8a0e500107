"""One seed, one sample: bit for bit, whatever the order blocks are computed in."""

from __future__ import annotations

import gzip
import random
from typing import TYPE_CHECKING

import pytest

from crosshook.core.execute import SerialExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


class Reordered(SerialExecutor):
    """An executor that computes what waits in another order; an honest one for a cluster."""

    def __init__(self, order: Callable[[list[Task]], None]) -> None:
        """Takes what changes the order of a list of tasks."""
        super().__init__()
        self.order = order

    def as_completed(self) -> Iterator[tuple[Task, object]]:
        """Computes everything before the first result is given."""
        self.order(self._waiting)
        yield from list(super().as_completed())


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


@pytest.mark.parametrize(
    ("kind", "workers"), [("processes", 2), ("processes", 7), ("dask", 2)], ids=str
)
def test_other_processes(
    first: Finished, runner: Callable[..., Finished], kind: str, workers: int
) -> None:
    """Tasks and results are plain data: processes that share nothing but the disk give the same
    bits, however many they are.
    """
    settings = (f"executor.use={kind}", f"executor.options.workers={workers}")
    other = runner("ttbar", "other", *SMALL, *settings)
    assert (other.directory / "events.lhe.gz").read_bytes() == (
        first.directory / "events.lhe.gz"
    ).read_bytes()
    assert other.result.integration.running == first.result.integration.running
    assert other.result.integration.histograms == first.result.integration.histograms
    assert other.generation.histograms == first.generation.histograms
