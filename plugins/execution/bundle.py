"""Bundles: short tasks that go to a worker as one, and results that come back through a file.

A scheduler handles every task and every byte of a result. It is spared both: tasks travel several
at a time, as many as make it worth the way, and of large results only the name of a file and its
checksum. What is computed, and in what order results are reduced, stays as it is.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Final, cast

from crosshook.core.errors import ExecutionError
from crosshook.core.interfaces.executor import Task
from crosshook.plugins.execution.worker import compute

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGE: Final = 256
"""Bytes of a pickled argument or result from which it does not travel with the task."""
LONG: Final = 10.0
"""Seconds that a bundle is to take: results come so often, and so much is lost with a worker."""
MOST: Final = 64
"""Tasks in a bundle at most."""
SHARE: Final = 0.25
"""Part of the time limit of a task that a bundle is to take at most."""


@dataclass(frozen=True)
class Outcome:
    """What a bundle gives.

    Attributes:
        results: of its tasks, as far as they were computed.
        error: what the next task has raised, if any.
        slowest: seconds of the longest task.
        memory: most that the worker has had so far, in bytes.
    """

    results: tuple[object, ...]
    error: Exception | None
    slowest: float
    memory: int


@dataclass(frozen=True)
class Kept:
    """An outcome that is in a file.

    Attributes:
        path: of the file.
        sha256: of its content.
    """

    path: str
    sha256: str


class BundleSizes:
    """How many tasks make a bundle, by the time they took so far."""

    def __init__(self, time_limit: float | None) -> None:
        """Knows no task yet; `time_limit` in seconds is that of a task, or None."""
        self._long = LONG if time_limit is None else min(LONG, SHARE * time_limit)
        self._seconds: dict[str, float] = {}

    def add(self, function: str, seconds: float) -> None:
        """Takes in the time of a task; the latest counts, since first ones pay for imports."""
        self._seconds[function] = seconds

    def size(self, function: str, waiting: int, places: int) -> int:
        """Tasks for the next bundle: one until it is known how long they take.

        Args:
            function: of the tasks.
            waiting: tasks there still are.
            places: bundles that may be on their way at once; none of them is to get more than its
                share of what is left, so that workers end together.
        """
        seconds = self._seconds.get(function)
        if seconds is None:
            return 1
        return max(1, min(MOST, waiting // places, int(self._long / max(seconds, 1e-9))))


def compute_bundle(
    home: str, function: str, tasks: bytes, folder: str, shared: Mapping[str, object]
) -> Outcome | Kept:
    """The tasks of a bundle, one after another; runs on the worker.

    Args:
        home: folder that relative paths begin at.
        function: of all tasks.
        tasks: numbers and arguments, pickled.
        folder: for large results; where it is gone, they travel.
        shared: arguments that all tasks have.
    """
    if str(Path.cwd()) != home:
        os.chdir(home)
    results, error, slowest, memory = [], None, 0.0, 0
    for number, arguments in cast("list[tuple[int, dict[str, object]]]", pickle.loads(tasks)):
        try:
            computed = compute(Task(number, function, {**arguments, **shared}))
        except Exception as raised:  # noqa: BLE001 - raised again by the manager, whatever it is
            error = raised
            break
        results.append(computed.result)
        slowest, memory = max(slowest, computed.seconds), computed.memory
    outcome = Outcome(tuple(results), error, slowest, memory)
    data = pickle.dumps(outcome)
    if len(data) >= LARGE:
        path = Path(folder) / token_hex(8)
        try:
            path.write_bytes(data)
        except OSError:  # a full disk shows where the events are written
            path.unlink(missing_ok=True)
        else:
            return Kept(str(path), hashlib.sha256(data).hexdigest())
    return outcome


def outcome_of(found: Outcome | Kept) -> Outcome:
    """The outcome itself; its file is removed.

    Raises:
        ExecutionError: if the file is not as the worker left it.
    """
    if isinstance(found, Outcome):
        return found
    path = Path(found.path)
    try:
        data = path.read_bytes()
        path.unlink()
    except OSError as error:
        message = f"{path}: results of a worker cannot be read: {error.strerror}"
        raise ExecutionError(message) from error
    if hashlib.sha256(data).hexdigest() != found.sha256:
        message = f"{path}: results of a worker are not as it wrote them"
        raise ExecutionError(message)
    return cast("Outcome", pickle.loads(data))
