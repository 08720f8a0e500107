"""What happens on a worker: the start of its process, and one task."""

from __future__ import annotations

import os
import signal
import threading
import time
from multiprocessing import parent_process
from pathlib import Path
from typing import TYPE_CHECKING

from crosshook.core.execute import one_thread
from crosshook.core.interfaces.executor import Task

if TYPE_CHECKING:
    from multiprocessing.queues import SimpleQueue


def begin(pids: SimpleQueue[int]) -> None:
    """Starts a worker process of this machine.

    What every task needs is imported here, so that no task is charged for it. Ctrl-C reaches every process of a terminal, and the manager alone decides what it means. A
    worker whose manager was killed ends itself.

    Args:
        pids: takes the number of the process.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import torch  # noqa: F401

    pids.put(os.getpid())
    threading.Thread(target=_end_with_parent, name="watch", daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def compute(task: Task) -> tuple[object, float]:
    """A task, on one thread.

    Returns:
        Its result, and the seconds it took.
    """
    start = time.perf_counter()
    with one_thread():
        result = task.run()
    return result, time.perf_counter() - start


def compute_in(
    home: str, number: int, function: str, arguments: dict[str, object]
) -> tuple[object, float]:
    """A task, in the folder that its relative paths begin at; see `compute`."""
    if str(Path.cwd()) != home:
        os.chdir(home)
    return compute(Task(number, function, arguments))
