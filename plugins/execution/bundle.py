"""Bundles: short tasks that go to a worker as one, and results that come back through a file.

A scheduler handles every task and every byte of a result. It is spared both: tasks travel several
at a time, as many as make it worth the way, without what all of them have in common; and results
are in a file whose name was known before. What is computed, and in what order results are reduced,
stays as it is.
"""

from __future__ import annotations

import hmac
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

LONG: Final = 10.0
"""Seconds that a bundle is to take: results come so often, and so much is lost with a worker."""
MOST: Final = 64
"""Tasks in a bundle at most."""
SHARE: Final = 0.25
"""Part of the time limit of a task that a bundle is to take at most."""
DIGEST: Final = 32
"""Bytes of a signature, SHA-256."""


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
class Setting:
    """What bundles of a stage have in common; a worker gets it once.

    Attributes:
        home: folder that relative paths begin at.
        function: of all tasks.
        folder: for results, or `""`: they travel then.
        secret: signs them.
        arguments: that all tasks have.
    """

    home: str
    function: str
    folder: str
    secret: bytes
    arguments: Mapping[str, object]


def make_setting(
    home: str,
    function: str,
    folder: str,
    secret: bytes,
    small: bytes,
    large: Mapping[str, object],
) -> Setting:
    """A setting, put together on a worker.

    Args:
        home: see `Setting`, as the next three.
        function: of all tasks.
        folder: for results.
        secret: signs them.
        small: arguments, pickled.
        large: further ones, which are with the workers already.
    """
    return Setting(home, function, folder, secret, {**pickle.loads(small), **large})


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


def compute_bundle(setting: Setting, packed: bytes) -> Outcome | None:
    """The tasks of a bundle, one after another; runs on the worker.

    Args:
        setting: what they have in common.
        packed: name of the bundle, and a number with other arguments for each task, pickled.

    Returns:
        None if the outcome is in the file of that name. It travels where there is no folder.
    """
    if str(Path.cwd()) != setting.home:
        os.chdir(setting.home)
    name, tasks = cast("tuple[str, list[bytes]]", pickle.loads(packed))
    results, error, slowest, memory = [], None, 0.0, 0
    for task in tasks:
        number, own = cast("tuple[int, dict[str, object]]", pickle.loads(task))
        try:
            computed = compute(Task(number, setting.function, {**own, **setting.arguments}))
        except Exception as raised:  # noqa: BLE001 - raised again by the manager, whatever it is
            error = raised
            break
        results.append(computed.result)
        slowest, memory = max(slowest, computed.seconds), computed.memory
    outcome = Outcome(tuple(results), error, slowest, memory)
    if setting.folder:
        data = pickle.dumps(outcome)
        part = Path(setting.folder) / f"{name}.{token_hex(4)}.part"
        try:
            part.write_bytes(_signature(setting.secret, name, data) + data)
            part.replace(part.with_name(name))
        except OSError:  # a full disk shows where the events are written
            part.unlink(missing_ok=True)
        else:
            return None
    return outcome


def read_outcome(folder: Path, name: str, secret: bytes) -> Outcome | None:
    """The outcome of a bundle from its file, which is removed; None if there is no file.

    Raises:
        ExecutionError: if the file is not as a worker of this run left it.
    """
    path = folder / name
    try:
        found = path.read_bytes()
        path.unlink()
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"{path}: results of a worker cannot be read: {error.strerror}"
        raise ExecutionError(message) from error
    signature, data = found[:DIGEST], found[DIGEST:]
    if not hmac.compare_digest(signature, _signature(secret, name, data)):
        message = f"{path}: results of a worker are not as it wrote them"
        raise ExecutionError(message)
    return cast("Outcome", pickle.loads(data))


def _signature(secret: bytes, name: str, data: bytes) -> bytes:
    return hmac.digest(secret, name.encode() + data, "sha256")
