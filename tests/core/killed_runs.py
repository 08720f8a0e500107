"""A script: runs a run file once undisturbed, then in another directory killed again and again.

    python killed_runs.py RUN_FILE FOLDER POINT ...

`FOLDER/whole` is the undisturbed run. `FOLDER/killed` is killed (SIGKILL, by itself) at the first
point, resumed and killed at the second, and so on, and then resumed to its end. A point is

    STAGE:DONE      when the progress of a stage has come that far
    sync:N          while the N-th file of a checkpoint is being written
    register:N      when the N-th output is registered

where N counts from the start of each process.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

from crosshook.core.run import SilentReporter, resume, run
from crosshook.core.run_directory import RunDirectory


def die() -> None:
    """What a batch system does to a job that takes too long, without notice."""
    os.kill(os.getpid(), signal.SIGKILL)


class Deadly(SilentReporter):
    """Kills the process when a stage has come so far."""

    def __init__(self, stage: str, done: int) -> None:
        self._stage, self._done = stage, done

    def update(self, stage: str, done: int, total: int, **figures: float) -> None:
        if stage == self._stage and done >= self._done:
            die()


def deadly_call(holder: Any, name: str, number: int) -> None:
    """Makes the n-th call of a function the last thing the process does."""
    function, calls = getattr(holder, name), 0

    def counted(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            die()
        return function(*arguments)

    setattr(holder, name, counted)


def one_life(run_file: Path, directory: Path, first: bool, point: str | None) -> None:
    """Runs or resumes, and dies at the point."""
    reporter = SilentReporter()
    if point is not None:
        kind, _, number = point.partition(":")
        if kind == "sync":
            deadly_call(os, "fsync", int(number))
        elif kind == "register":
            deadly_call(RunDirectory, "register", int(number))
        else:
            reporter = Deadly(kind, int(number))
    if first:
        run(run_file, output=directory, reporter=reporter)
    else:
        resume(directory, reporter=reporter)


def main(run_file: Path, folder: Path, points: list[str]) -> None:
    torch.set_num_threads(1)  # a fork inherits no threads, and nobody may wait for them
    run(run_file, output=folder / "whole")
    for number, point in enumerate([*points, None]):
        child = os.fork()
        if child == 0:
            one_life(run_file, folder / "killed", number == 0, point)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        expected = 0 if point is None else signal.SIGKILL
        if os.waitstatus_to_exitcode(status) != -expected:
            sys.exit(f"{point}: ended with {os.waitstatus_to_exitcode(status)}, not -{expected}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
