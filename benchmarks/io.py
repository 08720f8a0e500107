"""Event files: reading and writing against pylhe, in memory and in time, on the same events.

    CROSSHOOK_REFERENCE_DATA=DIR python benchmarks/io.py [--quick] [--json FILE] [--cases NAME ...]

The input is every MadGraph file of `DIR/lhe/madgraph` one after another, as often as it takes to have
enough events. Reading takes in every column and every weight. pylhe reads and writes the first part
of the file only, which makes no difference to a rate. Rates are per CPU second of all threads of a
process; ratios are of rates measured in turns. Memory is the largest resident set of a process of its
own above what it takes to import what it uses (Linux only).
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import itertools
import multiprocessing
import os
import shutil
import statistics
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pylhe
from records import Record, in_words, machine, write

from crosshook.adapters.lhe.number_scan import is_space
from crosshook.core.events.files import create_events, open_events
from crosshook.core.execute import one_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CASES = ("read", "read_gz", "write", "write_gz", "lhe_to_rntuple", "two_processes")
OURS, THEIRS, AWKWARD = "crosshook", "pylhe", "pylhe to_awkward"
BATCH = 10_000
MODULES = (
    "crosshook.adapters.lhe.scanner",
    "crosshook.adapters.lhe.writer",
    "crosshook.adapters.root.writer",
)
"""What reading and writing import."""
MEGABYTE = 1 << 20
SEED = 0


@dataclass(frozen=True)
class Inputs:
    """The files that are read.

    Attributes:
        plain: uncompressed.
        compressed: the same as gzip.
        short: its first events.
        events: in the long ones.
        part: events in the short one.
    """

    plain: Path
    compressed: Path
    short: Path
    events: int
    part: int


def prepare(source: Path, folder: Path, events: int, part: int) -> Inputs:
    """Puts the inputs together out of the MadGraph files."""
    paths = sorted((source / "lhe" / "madgraph").glob("*.lhe.gz"))
    texts = [gzip.decompress(path.read_bytes()) for path in paths]
    bodies = [t[t.index(b"</init>") + 8 : t.rindex(b"</LesHouchesEvents>")] for t in texts]
    head, tail = texts[0][: texts[0].index(b"</init>") + 8], b"</LesHouchesEvents>\n"
    counts = [body.count(b"<event>") for body in bodies]
    plain = folder / "events.lhe"
    found = 0
    with plain.open("wb") as file:
        file.write(head)
        while found < events:
            for body, count in zip(bodies, counts, strict=True):
                file.write(body)
                found += count
        file.write(tail)
    # The first events of each process, so that the short file is like the long one.
    short = folder / "short.lhe"
    each = part // len(bodies)
    pieces = [b"</event>\n".join(body.split(b"</event>\n", each)[:each]) for body in bodies]
    short.write_bytes(head + b"".join(piece + b"</event>\n" for piece in pieces) + tail)
    compressed = folder / "events.lhe.gz"
    with plain.open("rb") as one, gzip.open(compressed, "wb", 6) as other:
        shutil.copyfileobj(one, other, MEGABYTE)
    return Inputs(plain, compressed, short, found, each * len(bodies))


def read(path: Path) -> int:
    """Reads every event with all its weights; their number."""
    with open_events(path, BATCH) as stream:
        return sum(len(batch) for batch in stream)


def their_events(path: Path) -> pylhe.LHEFile:
    """The file as pylhe opens it."""
    return pylhe.LHEFile.fromfile(str(path))


def read_theirs(path: Path) -> int:
    """Iterates over every event."""
    return sum(1 for _ in their_events(path).events)


def read_awkward(path: Path) -> int:
    """Makes one awkward array of all events."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return len(pylhe.to_awkward(their_events(path)))


def rate(work: Callable[[], int]) -> float:
    """Events per CPU second."""
    start = time.process_time()
    n = work()
    return n / (time.process_time() - start)


def race(
    case: str, works: dict[str, Callable[[], int]], n: dict[str, int], repeats: int
) -> list[Record]:
    """Rates of several ways to do the same, in turns, and the ratios of the first to the others."""
    rates: dict[str, list[float]] = {method: [] for method in works}
    for _ in range(repeats):
        for method, work in works.items():
            rates[method].append(rate(work))
    found = [record(case, m, "events_per_s", rates[m], n[m]) for m in works]
    for method, metric in ((THEIRS, "ratio_to_pylhe"), (AWKWARD, "ratio_to_pylhe_awkward")):
        if method in works:
            ratios = [a / b for a, b in zip(rates[OURS], rates[method], strict=True)]
            found.append(record(case, OURS, metric, ratios, n[OURS]))
    return found


def record(case: str, method: str, metric: str, values: Sequence[float], n: int) -> Record:
    """The median, and half the range as its error."""
    error = (max(values) - min(values)) / 2
    return Record(case, method, metric, statistics.median(values), error, n, SEED)


def resident(field: str) -> float:
    """Memory of this process in MB: `VmRSS` now, `VmHWM` at most."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def _memory(work: Callable[..., int], paths: tuple[Path, ...]) -> float:
    for name in MODULES:
        importlib.import_module(name)
    is_space(0)  # numba imports most of itself at the first call of a compiled function
    before = resident("VmRSS")
    work(*paths)
    return resident("VmHWM") - before


def memory(case: str, work: Callable[..., int], inputs: Inputs, *target: Path) -> list[Record]:
    """Largest memory above imports in a process of its own, for the long file and for a short one."""
    context = multiprocessing.get_context("spawn")
    found = []
    for path, n in ((inputs.short, inputs.part), (inputs.plain, inputs.events)):
        chosen = inputs.compressed if case == "read_gz" and path == inputs.plain else path
        with context.Pool(1) as pool:
            used = float(pool.apply(_memory, (work, (chosen, *target))))
        found.append(record(case, OURS, "peak_mb", [used], n))
    return found


def reading(case: str, path: Path, inputs: Inputs, repeats: int) -> list[Record]:
    """Reading one file; pylhe gets the short one, compressed likewise."""
    short = inputs.short
    if path.suffix == ".gz":
        short = short.with_suffix(".lhe.gz")
        short.write_bytes(gzip.compress(inputs.short.read_bytes(), 6))
    works = {
        OURS: lambda: read(path),
        THEIRS: lambda: read_theirs(short),
        AWKWARD: lambda: read_awkward(short),
    }
    counts = {OURS: inputs.events, THEIRS: inputs.part, AWKWARD: inputs.part}
    found = race(case, works, counts, repeats)
    return [*found, *memory(case, read, inputs)]


def convert(source: Path, target: Path) -> int:
    """Reads one file and writes another."""
    with (
        open_events(source, BATCH) as stream,
        create_events(target, stream.info, overwrite=True) as writer,
    ):
        n = 0
        for batch in stream:
            writer.write(batch)
            n += len(batch)
    return n


def writing(case: str, target: Path, inputs: Inputs, repeats: int) -> list[Record]:
    """Writing events that are in memory; pylhe's as many as it takes to measure it."""
    with open_events(inputs.plain, BATCH) as stream:
        batches = list(itertools.islice(stream, 10))
        info = stream.info
    theirs = their_events(inputs.short)
    objects = list(theirs.events)
    again = target.with_name(f"theirs-{target.name}")

    def ours() -> int:
        with create_events(target, info, overwrite=True) as writer:
            for batch in batches:
                writer.write(batch)
        return sum(map(len, batches))

    def others() -> int:
        pylhe.LHEFile(init=theirs.init, events=objects).tofile(str(again))
        return len(objects)

    ours()
    counts = {OURS: sum(map(len, batches)), THEIRS: len(objects)}
    found = race(case, {OURS: ours, THEIRS: others}, counts, repeats)
    return [*found, *memory(case, convert, inputs, target)]


def to_rntuple(inputs: Inputs, folder: Path, repeats: int) -> list[Record]:
    """From LHE to ROOT, end to end."""
    target = folder / "events.root"
    convert(inputs.short, target)
    works = {OURS: lambda: convert(inputs.plain, target)}
    found = race("lhe_to_rntuple", works, {OURS: inputs.events}, repeats)
    return [*found, *memory("lhe_to_rntuple", convert, inputs, target)]


def wall(context: multiprocessing.context.SpawnContext, path: Path, processes: int) -> float:
    """Seconds that some processes take to read a file each, once all of them are ready."""
    with context.Pool(processes) as pool:
        pool.map(read, [path] * processes, 1)
        start = time.perf_counter()
        pool.map(read, [path] * processes, 1)
        return time.perf_counter() - start


def two_processes(inputs: Inputs, repeats: int) -> list[Record]:
    """How much more two processes read at a time than one, by the clock."""
    context = multiprocessing.get_context("spawn")
    gains = [
        2 * wall(context, inputs.plain, 1) / wall(context, inputs.plain, 2) for _ in range(repeats)
    ]
    return [record("two_processes", OURS, "speed_up", gains, 2 * inputs.events)]


def measure(inputs: Inputs, folder: Path, cases: Sequence[str], repeats: int) -> list[Record]:
    """Every figure of some cases."""
    works: dict[str, Callable[[], list[Record]]] = {
        "read": lambda: reading("read", inputs.plain, inputs, repeats),
        "read_gz": lambda: reading("read_gz", inputs.compressed, inputs, repeats),
        "write": lambda: writing("write", folder / "out.lhe", inputs, repeats),
        "write_gz": lambda: writing("write_gz", folder / "out.lhe.gz", inputs, repeats),
        "lhe_to_rntuple": lambda: to_rntuple(inputs, folder, repeats),
        "two_processes": lambda: two_processes(inputs, repeats),
    }
    read(inputs.plain)  # compiles, or loads what was compiled before
    return [found for case in cases for found in works[case]()]


def main() -> None:
    """Prints the table and writes the records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="fewer events and repeats")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    options = parser.parse_args()
    source = os.environ.get("CROSSHOOK_REFERENCE_DATA")
    if source is None:
        parser.error("CROSSHOOK_REFERENCE_DATA must name the folder of reference data")
    events, part, repeats = (80_000, 4_000, 3) if options.quick else (500_000, 16_000, 5)
    with tempfile.TemporaryDirectory() as name, one_thread():
        folder = Path(name)
        inputs = prepare(Path(source), folder, events, part)
        found = measure(inputs, folder, options.cases, repeats)
    about = machine(("numpy", "numba", "isal", "pylhe", "awkward", "uproot", "crosshook"))
    print(in_words(about))
    for r in found:
        print(
            f"{r.case:15} {r.method:17} {r.metric:23} {r.value:12.5g} ± {r.error:<9.2g} n = {r.n}"
        )
    if options.json:
        write(options.json, about, found)


if __name__ == "__main__":
    main()
