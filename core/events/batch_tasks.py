"""Batches of events as tasks of an executor: this process reads, and workers compute columns of them.

Reading is sequential and cheap; what pays is |M|² of every event. Events go to workers through
files and columns come back so, each file for as long as it takes; a few batches a worker are on
their way at a time, whatever the length of the file they are read from.
"""

from __future__ import annotations

import importlib
from collections import deque
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from crosshook.core.events.parts import load_part, save_arrays, save_part
from crosshook.core.execute import Task, in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.execute import Executor

    Columns = dict[str, NDArray[Any]]

TASK: Final = "crosshook.core.events.batch_tasks:compute_batch"
AHEAD: Final = 3
"""Batches on their way for each worker, so that none waits for the reader."""


@dataclass(frozen=True)
class BatchWorkers:
    """Who computes columns of events, if not this process.

    Attributes:
        executor: ready for tasks.
        folder: seen by all workers; whoever made it removes it.
    """

    executor: Executor
    folder: Path

    def computed(
        self, batches: Iterable[EventBatch], function: str, arguments: Mapping[str, object]
    ) -> Iterator[tuple[EventBatch, Columns]]:
        """Batches in order, each with what a function gives for it.

        Args:
            batches: read as workers have room for more.
            function: `package.module:function`; takes a batch and its number, and gives arrays by
                name.
            arguments: passed on as keywords.
        """
        waiting: deque[EventBatch] = deque()
        done, room = 0, AHEAD * max(self.executor.load().workers, 1)
        # A cluster may take a worker for lost that still writes when the next file is read.
        token = token_hex(4)

        def files(number: int) -> tuple[Path, Path]:
            name = f"{token}-{number}.npz"
            return self.folder / f"events-{name}", self.folder / f"columns-{name}"

        def tasks() -> Iterator[Task]:
            for number, batch in enumerate(batches):
                part, output = files(number)
                save_part(part, batch)
                waiting.append(batch)
                place = {"part": str(part), "output": str(output)}
                what = {"info": batch.info, "function": function, "arguments": arguments}
                yield Task(number, TASK, {**place, **what, "number": number})

        with closing(in_order(self.executor, tasks(), lambda: done + room)) as results:
            for task, _ in results:
                part, output = files(task.number)
                with np.load(output, allow_pickle=False) as arrays:
                    columns = dict(arrays)
                part.unlink()
                output.unlink()
                done += 1
                yield waiting.popleft(), columns


def compute_batch(
    part: str,
    output: str,
    info: RunInfo,
    number: int,
    function: str,
    arguments: Mapping[str, object],
) -> int:
    """Computes columns of a batch and writes them; the task of a worker.

    Args:
        part: file of the events.
        output: file of the columns.
        info: the run of the events.
        number: of the batch.
        function: gives the columns; see `BatchWorkers.computed`.
        arguments: passed on as keywords.

    Returns:
        How many events there are.
    """
    module, _, name = function.partition(":")
    batch = load_part(Path(part), info)
    columns: Columns = getattr(importlib.import_module(module), name)(batch, number, **arguments)
    save_arrays(Path(output), columns)
    return len(batch)
