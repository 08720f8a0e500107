"""What happens on a worker: the start of its process, and one task."""

from __future__ import annotations

import copy
import importlib
import os
import pickle
import signal
import threading
import time
from multiprocessing import parent_process
from typing import TYPE_CHECKING, NamedTuple

from crosshook.core.errors import ExecutionError, brief
from crosshook.core.execute import one_thread
from crosshook.core.memory import peak_memory
from crosshook.plugins.execution.kept_memory import keep_memory

if TYPE_CHECKING:
    from multiprocessing.queues import SimpleQueue

    from crosshook.core.interfaces.executor import Task


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def begin(there: SimpleQueue[int]) -> None:
    """Starts a worker process of this machine.

    Ctrl-C reaches every process of a terminal, and the manager alone decides what it means. A worker
    whose manager was killed ends itself.

    Args:
        there: takes the number of the process once it is ready.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    make_ready()
    there.put(os.getpid())
    threading.Thread(target=_end_with_parent, name="watch", daemon=True).start()


def make_ready() -> None:
    """Has a worker keep its memory, and imports what every task needs: none is charged for it."""
    keep_memory()
    importlib.import_module("torch")


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class Computed(NamedTuple):
    """What is known of a task that was computed.

    Attributes:
        result: of the task.
        seconds: it took.
        memory: most that this process has had so far, in bytes.
    """

    result: object
    seconds: float
    memory: int


def compute(task: Task) -> Computed:
    """A task, on one thread.

    Raises:
        ExecutionError: for an error that cannot travel to the manager as it is.
    """
    start = time.perf_counter()
    try:
        with one_thread():
            result = task.run()
    except Exception as error:
        if _travels(error):
            raise
        message = f"task {task.number} ({task.function}) failed: {brief(error)}"
        raise ExecutionError(message) from error
    return Computed(result, time.perf_counter() - start, peak_memory())


def _travels(error: Exception) -> bool:
    """Whether an error can be pickled and made again; a class of somebody else's often cannot."""
    try:
        pickle.dumps(error)
        copy.copy(error)
    except Exception:  # noqa: BLE001 - whatever a stranger's class raises
        return False
    return True


def compute_packed(task: bytes) -> bytes:
    """A pickled task, see `compute`; what is known of it is pickled, too.

    Packed by hand, because what multiprocessing sends itself goes its own way for tensors: through
    shared memory, with an open file each for as long as the tensor lives.
    """
    return pickle.dumps(compute(pickle.loads(task)))
