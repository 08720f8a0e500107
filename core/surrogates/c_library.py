"""Surrogates as shared libraries that speak UMAMI: compiled from C they write, and checked.

The library is loaded by the process `umami`, as any other program's, and compared with the
surrogate.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

import torch

from crosshook.core.compiler import compile_library
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError
from crosshook.core.registry import default_registry
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from crosshook.core.interfaces.amplitude_surrogate import AmplitudeSurrogate
    from crosshook.core.interfaces.matrix_element import MatrixElement
    from crosshook.core.interfaces.process import Process

    Columns = tuple[Tensor, Tensor, Tensor]

FLAGS = ("-O3", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math")
PHOTON = 22
"""Legs of the check: the library does not know ids, and these need neither mass nor colours."""


@dataclass(frozen=True)
class CSource:
    """C that makes a library behind UMAMI.

    Attributes:
        main: name of the file to compile.
        texts: of all files, by name.
        pdg: of the legs of each subprocess, in the order of UMAMI's flavour indices.
        qcd_order: power of α_s of each.
        n_incoming: 1 or 2.
    """

    main: str
    texts: Mapping[str, str]
    pdg: tuple[tuple[int, ...], ...]
    qcd_order: tuple[int, ...]
    n_incoming: int


@runtime_checkable
class WrittenInC(Protocol):
    """A surrogate that can be written out in C."""

    def c_source(self) -> CSource:
        """The source of a library that gives what `predict` does."""
        ...

    def samples(self) -> Columns:
        """Some points of its training: momenta, process, α_s."""
        ...


def compiled(surrogate: AmplitudeSurrogate, output: Path, part: int) -> tuple[int, float]:
    """Writes the library of a surrogate and compares log|M|².

    Args:
        surrogate: trained.
        output: the library.
        part: points of a second check, to see that the number of them is not built in.

    Returns:
        The number of points, and the largest difference.

    Raises:
        ConfigurationError: if it cannot be written in C, or has |M|² < 0.
        ProgramError: if there is no C compiler.
        OutputError: if the library cannot be written.
        NumericalError: if it fails the self-test of processes.
    """
    if not isinstance(surrogate, WrittenInC):
        message = f"{output}: this kind of surrogate cannot be written in C: it has no c_source()"
        raise ConfigurationError(message)
    source, columns = surrogate.c_source(), surrogate.samples()
    wanted = surrogate.predict(*columns)
    if bool((wanted.sign < 0).any()):
        message = f"{output}: |M|² < 0, which readers of UMAMI libraries refuse"
        raise ConfigurationError(message)
    with tempfile.TemporaryDirectory(prefix="crosshook-") as name:
        folder = Path(name)
        for file, text in source.texts.items():
            write_whole(folder / file, text)
        library = folder / output.name
        compile_library(folder / source.main, library, flags=FLAGS, links=("-lm",))
        amplitudes = _read(library, source, columns[0])
        parts = (slice(None), slice(0, part))
        difference = max(
            _difference(amplitudes, [column[rows] for column in columns], wanted.log_abs[rows])
            for rows in parts
        )
        write_whole(output, library.read_bytes())
    return len(wanted.log_abs), difference


def _read(library: Path, source: CSource, momenta: Tensor) -> MatrixElement:
    """The library as the process `umami` has it."""
    legs = len(source.pdg[0])
    masses = [float(momenta[0, 0, 0])] + [0.0] * (legs - 1) if source.n_incoming == 1 else []
    several = len(source.pdg) > 1
    subprocesses = [
        {
            "library": str(library),
            "pdg": [PHOTON] * legs,
            "label": " ".join(map(str, pdg)),
            **({"flavor_index": number} if several else {}),
        }
        for number, pdg in enumerate(source.pdg)
    ]
    options: dict[str, object] = {"subprocesses": subprocesses, "masses": masses}
    if source.n_incoming == 1:
        options["initial"] = "decay"
    registry = default_registry()
    context = BuildContext(registry=registry)
    built = registry.build("process", {"use": "umami", "options": options}, context)
    return cast("Process", built).matrix_element()


def _difference(amplitudes: MatrixElement, columns: list[Tensor], wanted: Tensor) -> float:
    momenta, process, alpha_s = columns
    worst = 0.0
    for number in range(len(amplitudes.subprocesses)):
        own = process == number
        if not bool(own.any()):
            continue
        found = amplitudes.squared(momenta[own], number, alpha_s[own]).value.log()
        worst = max(worst, largest_difference(found, wanted[own]))
    return worst


def largest_difference(found: Tensor, wanted: Tensor) -> float:
    """The largest |difference|; infinite where one is NaN, which `max` would lose."""
    return float((found - wanted).abs().nan_to_num(nan=torch.inf, posinf=torch.inf).max())
