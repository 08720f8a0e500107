"""Phase-space maps against madspace's compiled ones, and what a call of a UMAMI library costs.

    python benchmarks/phase_space.py [--quick] [--json FILE] [--library FILE.so ...]

Maps of the same diagrams, beams of 1 TeV, blocks of 100,000 points: forward with the density of the own
channel, and the density of given momenta, for which madspace has its inverse map. Libraries have two
massless legs going in and any two coming out (`crosshook process new "g g > t t~"` makes one): the time
of a call through crosshook, with momenta as its maps lay them out and by event, through madspace, and of
the library itself by ctypes. One thread, CPU time; methods in turns, medians, errors half their range.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

import madspace
import torch
from records import Record, in_words, machine, write

from crosshook.adapters.madspace.topology import topology
from crosshook.adapters.umami.abi import Input, Output
from crosshook.adapters.umami.handles import Handles
from crosshook.adapters.umami.library import Library
from crosshook.adapters.umami.source import UmamiSource
from crosshook.core.execute import one_thread
from crosshook.core.phase_space.diagram import Line, skeleton
from crosshook.core.phase_space.diagram_map import DiagramMap
from crosshook.core.phase_space.four_vector import rows_of
from crosshook.core.phase_space.restrictions import Restrictions
from crosshook.core.process.self_test import generic_points

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

ENERGY = 1000.0
POINTS = 100_000
REPEATS, QUICK = 9, 3
SEED = 20261122
PACKAGES = ("torch", "crosshook", "madspace")

W = Line(frozenset({2, 3}), 80.4, 2.1)
DIAGRAMS: dict[str, tuple[int, tuple[Line, ...]]] = {
    "2→2 s": (2, ()),
    "2→2 t": (2, (Line(frozenset({0, 2})),)),
    "2→3 W, t": (3, (W, Line(frozenset({0, 4})))),
    "2→3 t, t": (3, (Line(frozenset({0, 2})), Line(frozenset({0, 2, 3})))),
    "2→4 WW, t": (4, (W, Line(frozenset({4, 5}), 80.4, 2.1), Line(frozenset({0, 2, 3})))),
    "2→4 W, t, t": (4, (W, Line(frozenset({0, 4})), Line(frozenset({0, 2, 3, 4})))),
    "2→4 s, s": (4, (Line(frozenset({3, 4, 5})), Line(frozenset({4, 5})))),
}


def times(
    methods: Mapping[str, Callable[[], object]], repeats: int
) -> dict[str, tuple[float, float]]:
    """Nanoseconds a point of each method, with half the range."""
    found: dict[str, list[float]] = {name: [] for name in methods}
    for turn in range(repeats + 1):
        for name, method in methods.items():
            start = time.process_time()
            method()
            spent = time.process_time() - start
            if turn:  # the first one warms up
                found[name].append(spent / POINTS * 1e9)
    return {k: (statistics.median(v), 0.5 * (max(v) - min(v))) for k, v in found.items()}


@torch.no_grad()
def maps(name: str, repeats: int) -> list[Record]:
    """Both programs on one diagram."""
    particles, lines = DIAGRAMS[name]
    limits = Restrictions((0.0,) * particles, {"pt_min": 10.0})
    own = DiagramMap(skeleton(lines, limits, 2, name).root)
    theirs = madspace.PhaseSpaceMapping(
        topology(madspace, lines, limits, name), ENERGY, leptonic=True
    )
    context = madspace.Context(thread_count=1)
    forward = madspace.FunctionRuntime(theirs.forward_function(), context)
    inverse = madspace.FunctionRuntime(theirs.inverse_function(), context)
    generator = torch.Generator().manual_seed(SEED)
    u = torch.rand(POINTS, own.n_dim, generator=generator, dtype=torch.float64)
    s = torch.full((POINTS,), ENERGY**2, dtype=torch.float64)
    momenta, _ = own.forward(u, s)
    point = theirs.map_forward([u])
    found = times(
        {
            "map, crosshook": lambda: own.forward(u, s),
            "map, madspace": lambda: forward(u),
            "density, crosshook": lambda: own.log_density(momenta, s),
            "density, madspace": lambda: inverse(point.momenta, point.x1, point.x2),
        },
        repeats,
    )
    records = []
    for key, (value, error) in found.items():
        metric, method = key.split(", ")
        records.append(Record(name, method, f"{metric}_ns", value, error, POINTS, SEED))
    return records


def calls(path: Path, repeats: int) -> list[Record]:
    """What a call costs besides the amplitude."""
    handles = Handles(Library(path), "")
    handles.mine()
    masses = handles.library.masses(4) or (0.0,) * 4
    few = generic_points(masses, ENERGY, 2, torch.device("cpu"))
    source = UmamiSource(handles, few[:1])
    by_event = few.repeat(POINTS // len(few) + 1, 1, 1)[:POINTS].contiguous()
    laid_out = rows_of(by_event, torch.arange(POINTS))
    alpha_s = torch.full((POINTS,), 0.118, dtype=torch.float64)
    flavour = torch.zeros(POINTS, dtype=torch.int32)
    value = torch.empty(POINTS, dtype=torch.float64)
    given: list[tuple[Input, Tensor]] = [(Input.MOMENTA, laid_out.permute(2, 1, 0))]
    if source.takes_alpha_s:
        given.append((Input.ALPHA_S, alpha_s))
    if source.takes_flavour:
        given.append((Input.FLAVOR_INDEX, flavour))
    addresses = [(key, tensor.data_ptr()) for key, tensor in given]

    def bare() -> None:
        outputs = [(Output.MATRIX_ELEMENT, value.data_ptr())]
        handles.library.matrix_element(handles.mine(), POINTS, POINTS, addresses, outputs)

    context = madspace.Context(thread_count=1)
    index = context.load_matrix_element(str(path), "").index()
    kind = madspace.MatrixElement
    keys = [kind.momenta_in]
    keys += [kind.alpha_s_in] if source.takes_alpha_s else []
    keys += [kind.flavor_in] if source.takes_flavour else []
    function = kind(index, 4, keys, [kind.matrix_element_out]).function()
    runtime = madspace.FunctionRuntime(function, context)
    theirs = [laid_out, *(tensor for _, tensor in given[1:])]
    found = times(
        {
            "library": bare,
            "crosshook": lambda: source.evaluate(laid_out, alpha_s, 0),
            "crosshook, by event": lambda: source.evaluate(by_event, alpha_s, 0),
            "madspace": lambda: runtime(*theirs),
        },
        repeats,
    )
    return [
        Record(path.parent.name, method, "call_ns", ns, error, POINTS, SEED)
        for method, (ns, error) in found.items()
    ]


def main() -> None:
    """Runs all, prints the figures and writes the records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records")
    parser.add_argument("--library", type=Path, nargs="*", default=[], metavar="FILE.so")
    options = parser.parse_args()
    repeats = QUICK if options.quick else REPEATS
    about = machine(PACKAGES)
    records: list[Record] = []
    with one_thread():
        for name in DIAGRAMS:
            records += maps(name, repeats)
        for path in options.library:
            records += calls(path.resolve(), repeats)
    if options.json:
        write(options.json, about, records)
    print(in_words({**about, "load now": f"{os.getloadavg()[0]:.1f}"}))
    for record in records:
        what = f"{record.case:16} {record.metric:12} {record.method:20}"
        print(f"{what} {record.value:9.1f} ± {record.error:.1f}")


if __name__ == "__main__":
    main()
