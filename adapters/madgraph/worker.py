"""The program that holds one generated matrix element: points come by its input, |M|² go out.

It runs alone and needs numpy only. Generated Fortran and C++ keep their parameters in common blocks
and singletons, share the names of their libraries, print, and stop the program they are in when they
fail; in a process of its own none of it reaches anything else.

Of each request: n and m as int64, momenta `(n, m, 4)` and α_s `(n,)` as float64. Of each answer: a
byte V and |M|² `(n,)`, or X, the length of a message, and the message.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import math
import os
import signal
import struct
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ALL_HELICITIES = -1
BRIDGE_EVENTS = 32
"""Events of one call of a bridge, which takes this many and no others: the least a GPU takes."""


class Unfit(Exception):
    """What was asked for cannot be evaluated; the message says why."""


def load_module(path: Path) -> Any:
    """An extension module or a Python file, by its path."""
    name = path.name.split(".")[0]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        message = f"this Python ({sys.implementation.cache_tag}) cannot load it"
        raise Unfit(message)
    module = importlib.util.module_from_spec(spec)
    os.chdir(path.parent)
    spec.loader.exec_module(module)
    return module


def function_of(module: Any, ending: str) -> Callable[..., Any]:
    """The function whose name ends so: some outputs put a prefix before it."""
    names = [name for name in dir(module) if name.lower().endswith(ending)]
    if not names:
        message = f"it has no function {ending}"
        raise Unfit(message)
    found: Callable[..., Any] = getattr(module, min(names, key=len))
    return found


def open_matrix2py(path: Path, order: dict[str, Any]) -> Callable[[Array, Array], Array]:
    """A module of `make matrix2py.so`, one process each."""
    module = load_module(path)
    get_value = function_of(module, "get_value")
    told = (get_value.__doc__ or "").partition("\n")[0]
    if "flavor" in told.lower():
        message = f"its get_value wants flavours: {told}"
        raise Unfit(message)
    function_of(module, "initialisemodel")(order["card"])

    def squared(momenta: Array, alpha_s: Array) -> Array:
        values = [
            get_value(p.T, a, ALL_HELICITIES)
            for p, a in zip(momenta, alpha_s.tolist(), strict=True)
        ]
        return np.array(values, dtype=np.float64)

    return squared


def open_all_matrix2py(path: Path, order: dict[str, Any]) -> Callable[[Array, Array], Array]:
    """A module of `make allmatrix2py.so`, every process of the directory, told apart by PDG ids."""
    module = load_module(path)
    smatrix = function_of(module, "smatrixhel")
    function_of(module, "initialise")(order["card"])
    pdg = list(order["pdg"])
    numbered = "procid" in (smatrix.__doc__ or "").partition("\n")[0].lower()
    first: list[Any] = [pdg, order["process"]] if numbered else [pdg]

    def squared(momenta: Array, alpha_s: Array) -> Array:
        values = [
            smatrix(*first, p.T, a, 0.0, ALL_HELICITIES)
            for p, a in zip(momenta, alpha_s.tolist(), strict=True)
        ]
        return np.array(values, dtype=np.float64)

    return squared


def open_bridge(path: Path, order: dict[str, Any]) -> Callable[[Array, Array], Array]:
    """A C++ library of the cudacpp plugin, by the functions MadGraph's own Fortran calls."""
    library = ctypes.CDLL(str(path))
    legs, size = len(order["pdg"]), BRIDGE_EVENTS
    handle = ctypes.c_void_p()
    with tempfile.TemporaryDirectory() as folder:
        # it reads ../Cards/param_card.dat
        (Path(folder) / "Cards").mkdir()
        (Path(folder) / "Cards" / "param_card.dat").symlink_to(order["card"])
        (Path(folder) / "here").mkdir()
        os.chdir(Path(folder) / "here")
        sizes = [ctypes.byref(ctypes.c_int(number)) for number in (size, legs, 4)]
        library.fbridgecreate_(ctypes.byref(handle), *sizes)
        os.chdir(path.parent)
    half = np.full(size, 0.5)
    graph, chosen = np.zeros(size, dtype=np.int32), np.zeros(size, dtype=np.int32)
    point, coupling, value = np.empty((size, legs, 4)), np.empty(size), np.empty(size)
    arrays = [point, coupling, half, half]
    if order["takes_graph"]:
        arrays.append(graph)
    arrays += [value, chosen, chosen.copy()]
    arguments = [array.ctypes.data_as(ctypes.c_void_p) for array in arrays]
    everything = ctypes.byref(ctypes.c_bool(False))

    def squared(momenta: Array, alpha_s: Array) -> Array:
        found = np.empty(len(momenta))
        for start in range(0, len(momenta), size):
            rows = np.arange(start, start + size).clip(max=len(momenta) - 1)
            point[:] = momenta[rows]
            coupling[:] = np.sqrt(4 * math.pi * alpha_s[rows])
            library.fbridgesequence_nomultichannel_(ctypes.byref(handle), *arguments, everything)
            found[start : start + size] = value[: len(found) - start]
        return found

    return squared


OPENERS = {
    "matrix2py": open_matrix2py,
    "all_matrix2py": open_all_matrix2py,
    "bridge": open_bridge,
}


def refuse(output: BinaryIO, reason: str) -> None:
    """Answers with a message."""
    text = reason.encode()
    output.write(b"X" + struct.pack("<q", len(text)) + text)
    output.flush()


def serve(output: BinaryIO, squared: Callable[[Array, Array], Array]) -> None:
    """Answers requests until there are no more."""
    source = sys.stdin.buffer
    while len(head := source.read(16)) == 16:
        n, m = struct.unpack("<qq", head)
        momenta = np.frombuffer(source.read(32 * n * m)).reshape(n, m, 4)
        alpha_s = np.frombuffer(source.read(8 * n))
        try:
            values = np.ascontiguousarray(squared(momenta, alpha_s), dtype=np.float64)
        except Exception as error:  # noqa: BLE001 - whatever a stranger's module raises
            refuse(output, f"{type(error).__name__}: {error}")
            continue
        output.write(b"V" + values.tobytes())
        output.flush()


def main() -> None:
    """Opens what the first argument, JSON, orders, and serves it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main program decides when to end
    order = json.loads(sys.argv[1])
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # generated code prints
    try:
        squared = OPENERS[order["kind"]](Path(order["path"]), order)
    except Exception as error:  # noqa: BLE001 - whatever a stranger's module raises
        refuse(
            output, str(error) if isinstance(error, Unfit) else f"{type(error).__name__}: {error}"
        )
        return
    output.write(b"R")
    output.flush()
    serve(output, squared)


if __name__ == "__main__":
    main()
