"""Runs whose workers are killed, whose time is up or whose disk is gone: complete, or resumable."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import yaml

from crosshook.core.errors import (
    Cancelled,
    ConfigurationError,
    CrosshookError,
    ExecutionError,
    OutputError,
    RegistryError,
)
from crosshook.core.run import SilentReporter, resume, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KILLS = int(os.environ.get("CROSSHOOK_KILLS", "3"))
"""Workers to kill in a run; `make stress` kills more."""
PAUSE = 0.5 + KILLS / 6
"""Seconds between them at most."""
EVENTS = 700 * KILLS**2
"""So many that a run is not over before."""

RUN: dict[str, Any] = {
    "process": "pp-ttbar",
    "sampling": {"evaluations": 4000},
    "integrate": {"evaluations": 30_000},
    "generate": {"events": EVENTS, "pilot": 4000},
    "block_size": 500,
    "output": {"formats": ["lhe.gz"], "report": "none"},
}


@pytest.fixture(scope="module")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faults") / "run.yaml"
    path.write_text(yaml.safe_dump(RUN), "utf-8")
    return path


@pytest.fixture(scope="module")
def undisturbed(run_file: Path) -> bytes:
    """The events of a run nobody disturbs."""
    run(run_file, output=run_file.parent / "whole")
    return (run_file.parent / "whole" / "events.lhe.gz").read_bytes()


def _workers() -> list[int]:
    """Processes below this one that compute: fresh interpreters, and no helpers of theirs."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # one that ends meanwhile, or has ended
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child.pid)
    return found


class Kills(SilentReporter):
    """Kills workers at random moments once they compute, so many times."""

    def __init__(self, times: int, seed: int) -> None:
        self.times, self.rng = times, random.Random(seed)
        self.killed: list[int] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._work)

    def update(self, stage: str, done: int, total: int, **figures: float) -> None:
        if stage == "integrate" and not self.thread.ident:
            self.thread.start()

    def _work(self) -> None:
        while len(self.killed) < self.times and not self.stop.wait(self.rng.uniform(0.1, PAUSE)):
            try:
                chosen = self.rng.choice(_workers())
                os.kill(chosen, signal.SIGKILL)
            except (IndexError, ProcessLookupError, psutil.Error):
                continue
            self.killed.append(chosen)

    def end(self) -> None:
        self.stop.set()
        if self.thread.ident:
            self.thread.join()


@pytest.mark.parametrize("kind", ["processes", "dask"])
def test_killed_workers_change_nothing(
    kind: str, run_file: Path, undisturbed: bytes, tmp_path: Path
) -> None:
    settings = (
        f"executor.use={kind}", "executor.options.workers=2", f"executor.options.attempts={10 + KILLS}",
    )  # fmt: skip
    kills = Kills(KILLS, seed=20261122)
    try:
        run(run_file, settings=settings, output=tmp_path / "run", reporter=kills)
    finally:
        kills.end()
    assert len(kills.killed) >= KILLS // 2
    assert (tmp_path / "run" / "events.lhe.gz").read_bytes() == undisturbed
    assert not (tmp_path / "run" / "parts").exists()


def test_time_that_is_up(run_file: Path, undisturbed: bytes, tmp_path: Path) -> None:
    """The run stops, and goes on to the same bits with any executor."""
    with pytest.raises(Cancelled, match="time given is up"):
        run(run_file, output=tmp_path / "run", max_time=0.001)
    resume(tmp_path / "run", workers=2)
    assert (tmp_path / "run" / "events.lhe.gz").read_bytes() == undisturbed


def test_time_that_is_up_while_files_are_written(
    run_file: Path, undisturbed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = time.monotonic
    late = 0.0
    monkeypatch.setattr("crosshook.core.observed.time.monotonic", lambda: clock() + late)

    class Late(SilentReporter):
        """Says that an hour has gone by once the first events are in their file."""

        def update(self, stage: str, done: int, total: int, **figures: float) -> None:
            nonlocal late
            late = 3600.0 if stage == "write" else 0.0

    with pytest.raises(Cancelled, match="time given is up"):
        run(run_file, output=tmp_path / "run", max_time=1800, reporter=Late())
    assert late
    assert not (tmp_path / "run" / "events.lhe.gz").exists()
    resume(tmp_path / "run")
    assert (tmp_path / "run" / "events.lhe.gz").read_bytes() == undisturbed


class Removes(SilentReporter):
    """Takes the run directory away in the middle of the generation."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def update(self, stage: str, done: int, total: int, **figures: float) -> None:
        if stage == "generate":
            shutil.rmtree(self.directory, ignore_errors=True)


def test_directory_that_vanishes(run_file: Path, tmp_path: Path) -> None:
    with pytest.raises((CrosshookError, OSError), match=r"run"):
        run(run_file, output=tmp_path / "run", workers=2, reporter=Removes(tmp_path / "run"))
    assert not list(tmp_path.rglob("events.*"))


class Fills(SilentReporter):
    """From the generation on, no file may become larger than so many bytes."""

    def __init__(self, size: int) -> None:
        self.size = size

    def update(self, stage: str, done: int, total: int, **figures: float) -> None:
        if stage == "generate":
            limits = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.size, limits[1]))


@pytest.mark.parametrize("share", [0.001, 0.7], ids=["in a block", "in the file"])
def test_full_disk(share: float, run_file: Path, undisturbed: bytes, tmp_path: Path) -> None:
    """The run stops, names the file and leaves none half-written; with space it goes on."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(OutputError, match=r"run/.* cannot be written: File too large"):
            run(run_file, output=tmp_path / "run", reporter=Fills(int(share * len(undisturbed))))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    left = [path.name for path in (tmp_path / "run").rglob("*") if path.suffix == ".part"]
    assert not left
    assert not list((tmp_path / "run").glob("events.*"))
    resume(tmp_path / "run")
    assert (tmp_path / "run" / "events.lhe.gz").read_bytes() == undisturbed


class Ends(SilentReporter):
    """Kills a process in the middle of the generation."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def update(self, stage: str, done: int, total: int, **figures: float) -> None:
        if stage == "generate":
            self.process.kill()
            self.process.wait()


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A Dask scheduler with one worker, each a process of its own, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    program = [sys.executable, "-m"]
    first = ["distributed.cli.dask_scheduler", "--no-dashboard", "--host", address]
    second = ["distributed.cli.dask_worker", "--no-nanny", "--no-dashboard", "--nthreads", "1"]
    second += ["--local-directory", str(tmp_path), address]
    with (tmp_path / "cluster.log").open("wb") as log:
        children = [
            subprocess.Popen([*program, *words], stdout=log, stderr=log)
            for words in (first, second)
        ]
        yield children[0], address
        for child in children:
            child.kill()
            child.wait()


def test_lost_scheduler(
    scheduler: tuple[subprocess.Popen[bytes], str],
    run_file: Path,
    undisturbed: bytes,
    tmp_path: Path,
) -> None:
    """The run stops and says so; it goes on without a cluster."""
    process, address = scheduler
    settings = ("executor.use=dask", f"executor.options.address={address}")
    with pytest.raises(ExecutionError, match=rf"scheduler at {address} is lost; .* resumed"):
        run(run_file, settings=settings, output=tmp_path / "run", reporter=Ends(process))
    resume(tmp_path / "run", settings=("executor=serial",))
    assert (tmp_path / "run" / "events.lhe.gz").read_bytes() == undisturbed


def test_workers_are_counted(run_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="workers: 0 is less than 1"):
        run(run_file, output=tmp_path / "run", workers=0)
    with pytest.raises(RegistryError, match="did you mean processes"):
        run(run_file, output=tmp_path / "run", settings=("executor.use=proceses",))


class Stops(SilentReporter):
    """Ends the run in the middle of the generation, and remembers the workers it had then."""

    seen: frozenset[int] = frozenset()

    def update(self, stage: str, done: int, total: int, **figures: float) -> None:
        if stage == "generate":
            self.seen = frozenset(_workers())
            message = "enough"
            raise Cancelled(message)


def test_nobody_is_left(run_file: Path, tmp_path: Path) -> None:
    """Workers end with the run, also with one that fails."""
    before = set(_workers())
    stops = Stops()
    with pytest.raises(Cancelled, match="enough"):
        run(run_file, output=tmp_path / "run", workers=2, reporter=stops)
    assert len(stops.seen - before) == 2
    until = time.monotonic() + 20
    while set(_workers()) - before and time.monotonic() < until:
        time.sleep(0.1)
    assert not set(_workers()) - before
