"""Executors: two workers against one, what a task costs the manager, and a scheduler's traffic.

    python benchmarks/scaling.py [--quick] [--json FILE] [--events N]

Generation of pp → tt̄ from one trained sampler, lhe.gz with seven scales, by `crosshook.generate`
with executors that are warm, so that the start of workers does not count, while the start and the
end of the manager's own work do: wall time, one and two workers in turns; medians of the ratios of
neighbours and of the rates, with the errors of medians. `bit_identical` is 1 where the files of one
and two workers, of all repeats, and of the serial executor are the same; those that differ are
named. Overhead is the wall time of the manager per task that computes nothing.

Traffic is every byte between the scheduler on one side and workers and client on the other, in both
directions, as a relay counts them: of a bundle; of two workers in a second in which they compute one
task each and have nothing else to say than that they are there; of 100,000 further events, the
difference of a generation and one of a quarter of its events. The workers are those of
`--worker-class`, as are workers that crosshook starts itself; `scheduler_bytes_per_second_2_plain`
is of Dask's own. What goes from worker to worker, and through files, is not counted.

Merging is the time in which the manager puts formatted parts one behind the other.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from records import Record, machine, write

from crosshook import default_registry, generate, run
from crosshook.core.context import BuildContext
from crosshook.core.events.files import open_events
from crosshook.core.execute import SerialExecutor, in_order
from crosshook.core.interfaces.executor import Task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crosshook.core.interfaces.event_format import ComposingFormat
    from crosshook.core.interfaces.executor import Executor

EXAMPLE = Path(__file__).parents[1] / "examples" / "ttbar.yaml"
CASE = "ttbar"
SEED = 7
REPEATS, QUICK = 15, 3
EVENTS, FEW = 1_000_000, 200_000
TASKS = (1_000, 10_000)
LARGE_BLOCK = 262_144
TRAFFIC = 16
"""Times as many events when traffic is counted: bundles grow to their length in a long run."""
ALONE = 64
BUSY = 60
"""Seconds for which two workers compute and say that they are there."""
QUIET = "crosshook.plugins.execution.quiet_worker.QuietWorker"
PACKAGES = ("torch", "crosshook", "dask", "distributed")


class Relay:
    """A port that hands bytes on to another one and counts them."""

    def __init__(self, port: int) -> None:
        self.target, self.bytes = port, 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            one, _ = self._server.accept()
            try:
                two = socket.create_connection(("127.0.0.1", self.target))
            except OSError:  # the scheduler has ended
                one.close()
                return
            for source, sink in ((one, two), (two, one)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                self.bytes += len(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # the other side is gone
            return


def build(use: str, **options: object) -> Executor:
    """An executor as a run file names it."""
    slot = {"use": use, "options": options}
    return cast("Executor", default_registry().build("executor", slot, BuildContext()))


def timed(home: Path, events: int, executor: Executor, output: Path) -> tuple[float, str]:
    """Wall time of a generation, and the digest of its events."""
    if output.exists():
        shutil.rmtree(output)
    start = time.perf_counter()
    generate(home, events=events, seed=SEED, output=output, executor=executor)
    seconds = time.perf_counter() - start
    return seconds, hashlib.sha256((output / "events.lhe.gz").read_bytes()).hexdigest()


def speedup(
    use: str, home: Path, events: int, repeats: int, folder: Path
) -> tuple[list[Record], dict[str, str]]:
    """Two workers against one, in turns; and the digests of all files."""
    found: dict[int, list[float]] = {1: [], 2: []}
    digests = {}
    with closing(build(use, workers=1)) as one, closing(build(use, workers=2)) as two:
        executors = {1: one, 2: two}
        for executor in executors.values():
            timed(home, 20_000, executor, folder / "warm")
        for repeat in range(repeats):
            for workers, executor in executors.items():
                seconds, digest = timed(home, events, executor, folder / "timed")
                found[workers].append(seconds)
                digests[f"{use}, {workers} workers, repeat {repeat}"] = digest
    ratios = [a / b for a, b in zip(found[1], found[2], strict=True)]
    records = [Record(CASE, use, "efficiency_2_workers", *_median(ratios), events, SEED)]
    for workers, times in found.items():
        rates = _median([events / seconds for seconds in times])
        records.append(Record(CASE, use, f"events_per_second_{workers}", *rates, events, SEED))
    return records, digests


def _median(values: list[float]) -> tuple[float, float]:
    """With the standard error that it has where values are normally distributed."""
    error = math.sqrt(math.pi / 2) * statistics.stdev(values) / math.sqrt(len(values))
    return statistics.median(values), error


def overhead(use: str, tasks: int) -> Record:
    """Milliseconds a task that computes nothing."""
    with closing(build(use, workers=2)) as executor:
        list(in_order(executor, _nothing(100)))
        start = time.perf_counter()
        count = sum(1 for _ in in_order(executor, _nothing(tasks)))
        seconds = time.perf_counter() - start
    assert count == tasks
    return Record(CASE, use, "overhead_per_task_ms", 1000 * seconds / tasks, 0.0, tasks, SEED)


def _nothing(tasks: int) -> Iterator[Task]:
    return (Task(n, "fractions:Fraction", {"numerator": n}) for n in range(tasks))


def _asleep(seconds: int) -> Iterator[Task]:
    """What keeps two workers busy, and computes nothing."""
    return (Task(n, "subprocess:run", {"args": ["sleep", str(seconds)]}) for n in range(2))


def _one_by_one(executor: Executor, tasks: list[Task]) -> None:
    """Each task when the one before it is done, so that none is in a bundle."""
    for task in tasks:
        executor.submit(task)
        assert len(list(executor.as_completed())) == 1


@contextmanager
def cluster(folder: Path, *options: str) -> Iterator[Relay]:
    """A scheduler and two workers on loopback addresses of their own, behind a relay.

    Args:
        folder: for what they write.
        options: of the workers.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = (folder / "cluster.log").open("wb")
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard"]
    children = [
        subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)], stdout=log, stderr=log
        )
    ]
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.2)
        relay = Relay(port)
        for host in ("127.0.0.2", "127.0.0.3"):
            worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--no-dashboard"]
            address = f"tcp://127.0.0.1:{relay.port}"
            own = ["--nthreads", "1", "--host", host, "--local-directory", str(folder / host)]
            command = [*worker, address, *own, *options]
            children.append(subprocess.Popen(command, stdout=log, stderr=log))
        yield relay
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait()
        log.close()


def traffic(home: Path, events: int, folder: Path) -> list[Record]:
    """Bytes through the scheduler per bundle, per second and per 100,000 further events."""
    with cluster(folder, "--worker-class", QUIET) as relay, _executor(relay) as executor:
        timed(home, 1000, executor, folder / "warm")
        counted = []
        for n in (events // 4, events):
            before = relay.bytes
            timed(home, n, executor, folder / "relayed")
            counted.append(relay.bytes - before)
        value = (counted[1] - counted[0]) / ((events - events // 4) / 1e5)
        pairs = [Task(n, "fractions:Fraction", {"denominator": n + 1}) for n in range(ALONE)]
        _one_by_one(executor, pairs[:1])
        before = relay.bytes
        _one_by_one(executor, pairs)
        alone = (relay.bytes - before) / ALONE
        quiet = _busy(relay, executor)
    with cluster(folder) as relay, _executor(relay) as executor:
        plain = _busy(relay, executor)
    return [
        Record(CASE, "dask", "scheduler_bytes_per_1e5_events", value, 0.0, events, SEED),
        Record(CASE, "dask", "scheduler_bytes_per_bundle", alone, 0.0, ALONE, SEED),
        Record(CASE, "dask", "scheduler_bytes_per_second_2_busy", quiet, 0.0, BUSY, SEED),
        Record(CASE, "dask", "scheduler_bytes_per_second_2_plain", plain, 0.0, BUSY, SEED),
    ]


@contextmanager
def _executor(relay: Relay) -> Iterator[Executor]:
    """On the two workers behind a relay."""
    address = f"tcp://127.0.0.1:{relay.port}"
    with closing(build("dask", address=address, workers=2, timeout=120)) as executor:
        list(in_order(executor, _asleep(1)))
        yield executor


def _busy(relay: Relay, executor: Executor) -> float:
    """Bytes in a second of two workers that compute, without those of the tasks themselves."""
    sleeping = []
    for seconds in (2, 2 + BUSY):
        before = relay.bytes
        list(in_order(executor, _asleep(seconds)))
        sleeping.append(relay.bytes - before)
    return (sleeping[1] - sleeping[0]) / BUSY


def merging(home: Path, folder: Path, times: int) -> list[Record]:
    """Seconds of a million events, appended in parts of one block, and their size on disk."""
    batch = next(iter(open_events(home / "events.lhe.gz")))
    lhe = cast("ComposingFormat", default_registry().build("event_format", "lhe", BuildContext()))
    part, whole = folder / "part.lhe.gz", folder / "whole.lhe.gz"
    lhe.write_part(part, batch, 0)
    start = time.perf_counter()
    with lhe.write(whole, batch.info) as writer:
        for _ in range(times):
            writer.append(part, len(batch))
        writer.close()
    seconds, events = time.perf_counter() - start, times * len(batch)
    return [
        Record(CASE, "lhe.gz", "merge_seconds_per_1e6_events", seconds / events * 1e6, 0.0, events, SEED),
        Record(CASE, "lhe.gz", "bytes_per_event", part.stat().st_size / len(batch), 0.0, len(batch), SEED),
    ]  # fmt: skip


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer events, repeats and tasks")
    parser.add_argument("--events", type=int, help="of a timed generation")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records")
    arguments = parser.parse_args()
    events = arguments.events or (FEW if arguments.quick else EVENTS)
    repeats = QUICK if arguments.quick else REPEATS
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    records: list[Record] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = ("output.formats=[lhe.gz]", "output.report=none", "generate.events=1000")
        run(EXAMPLE, settings=settings, output=folder / "home")
        large = (*settings, f"block_size={LARGE_BLOCK}")
        run(EXAMPLE, settings=large, output=folder / "large")
        serial = timed(folder / "home", events, SerialExecutor(), folder / "serial")[1]
        digests: dict[str, str] = {}
        for use in ("processes", "dask"):
            found, other = speedup(use, folder / "home", events, repeats, folder)
            records += found
            digests |= other
            records += [overhead(use, tasks) for tasks in TASKS[: 1 if arguments.quick else 2]]
        others = [name for name, digest in digests.items() if digest != serial]
        for name in others:
            print(f"{name}: not the bytes of the serial executor")
        same = float(not others)
        records.append(Record(CASE, "all", "bit_identical", same, 0.0, events, SEED))
        records += merging(folder / "serial", folder, 20 if arguments.quick else 200)
        records += traffic(folder / "large", TRAFFIC * events, folder)
    for record in records:
        told = f"{record.value:.4g}" + (f" ± {record.error:.2g}" if record.error else "")
        print(f"{record.method:10} {record.metric:34} {told:>18}  n = {record.n}")
    if arguments.json is not None:
        write(arguments.json, machine(PACKAGES), records)


if __name__ == "__main__":
    main()
