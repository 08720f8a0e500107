"""A script: runs that are killed again and again must end as a run nobody disturbs, bit by bit.

    python killed_runs.py RUN_FILE FOLDER POINT ...
    python killed_runs.py RUN_FILE FOLDER --random TIMES [--seed SEED] [--set KEY=VALUE ...]

`FOLDER/whole` is the undisturbed run. `FOLDER/killed` is killed (SIGKILL) at the first point,
resumed and killed at the second, and so on, and then resumed to its end. A point is

    STAGE:DONE      when the progress of a stage has come that far
    sync:N          while the N-th file of a checkpoint is being written
    register:N      when the N-th output is registered

where N counts from the start of each process. With `--random` the kills come at any time. The run
file may be one of `crosshook surrogate train`, too.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import yaml

from crosshook.core.learning.begun import RUN_FILE
from crosshook.core.run import SilentReporter, resume, run
from crosshook.core.run_directory import RunDirectory
from crosshook.core.surrogates.directory import SurrogateDirectory
from crosshook.core.surrogates.training import resume_surrogate, train_surrogate

if TYPE_CHECKING:
    from collections.abc import Callable

CHANGING = ("log.txt", "manifest.jsonl", "report.html")
"""Files with times in them."""
TIMED = ("report.json", "model_card.json")
"""Likewise, compared without them."""
TIMES = (
    "seconds",
    "memory",
    "created",
    "microseconds",
    "us_per_point",
    "point_seconds",
    "training_seconds",
    "training_processor_seconds",
)


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


def one_life(run_file: Path, settings: list[str], directory: Path, point: str | None) -> None:
    """Runs or resumes, and dies at the point if there is one."""
    reporter = SilentReporter()
    if point is not None:
        kind, _, number = point.partition(":")
        if kind == "sync":
            deadly_call(os, "fsync", int(number))
        elif kind == "register":
            deadly_call(RunDirectory, "register", int(number))
        else:
            reporter = Deadly(kind, int(number))
    if "points" in yaml.safe_load(run_file.read_text()):
        if (SurrogateDirectory(directory).checkpoints / RUN_FILE).is_file():
            resume_surrogate(directory, progress=reporter)
        else:
            train_surrogate(
                run_file, settings=settings, output=directory, overwrite=True, progress=reporter
            )
    elif RunDirectory(directory).started.is_file():
        resume(directory, reporter=reporter)
    else:
        run(run_file, settings=settings, output=directory, overwrite=True, reporter=reporter)


def child(life: Callable[[str | None], None], point: str | None, limit: float | None) -> int:
    """One life in a process of its own, which is killed after so many seconds; its exit code."""
    process = os.fork()
    if process == 0:
        life(point)
        os._exit(0)
    if limit is not None:
        time.sleep(limit)
        os.kill(process, signal.SIGKILL)  # a process that has ended waits to be asked for
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def die_at(life: Callable[[str | None], None], points: list[str]) -> None:
    """Lives that end at the given points, and one that ends by itself."""
    for point in [*points, None]:
        code = child(life, point, None)
        if code != (0 if point is None else -signal.SIGKILL):
            sys.exit(f"{point or 'the last life'}: ended with {code}")


def die_at_random(life: Callable[[str | None], None], duration: float, rng: random.Random) -> int:
    """Lives that end at any time, until one of them is long enough; their number."""
    lives = 1
    while child(life, None, rng.uniform(0.01, 0.5) * duration) != 0:
        lives += 1
    return lives


def plain(value: Any) -> Any:
    """A report without times."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k not in TIMES}
    return [plain(v) for v in value] if isinstance(value, list) else value


def differences(whole: Path, killed: Path) -> list[str]:
    """Files that are not the same in both directories."""
    names = {
        path.relative_to(folder)
        for folder in (whole, killed)
        for path in folder.rglob("*")
        if path.is_file() and path.name not in CHANGING
    }
    found = []
    for name in sorted(names):
        if not (whole / name).is_file() or not (killed / name).is_file():
            found.append(f"{name}: in one of them only")
            continue
        one, other = (whole / name).read_bytes(), (killed / name).read_bytes()
        if name.name in TIMED:
            one, other = (json.dumps(plain(json.loads(text))).encode() for text in (one, other))
        if one != other:
            found.append(f"{name}: differs")
    return found


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run_file", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("points", nargs="*")
    parser.add_argument("--random", type=int, default=0, metavar="TIMES")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    given = parser.parse_args()
    torch.set_num_threads(1)  # a fork inherits no threads, and nobody may wait for them
    whole, killed = given.folder / "whole", given.folder / "killed"
    start = time.perf_counter()
    one_life(given.run_file, given.settings, whole, None)
    duration = time.perf_counter() - start
    rng = random.Random(given.seed)
    life = partial(one_life, given.run_file, given.settings, killed)
    for time_around in range(max(given.random, 1)):
        shutil.rmtree(killed, ignore_errors=True)
        if given.random:
            lives = die_at_random(life, duration, rng)
            print(f"{time_around + 1} of {given.random}: done in {lives} lives", flush=True)
        else:
            die_at(life, given.points)
        if found := differences(whole, killed):
            sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
