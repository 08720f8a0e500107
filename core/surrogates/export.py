"""Surrogates for programs without crosshook: ONNX, a program of torch.export, or a library; checked.

The library speaks UMAMI. Either of the others takes momenta `(n, m, 4)` in GeV, the index of the
subprocess `(n,)` int64 and α_s `(n,)`, and gives log| |M|² |, its sign and the logarithm of the error
of the first, `(n,)` each.
"""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch

from crosshook.core.errors import ConfigurationError, NumericalError, OutputError
from crosshook.core.surrogates.c_library import compiled, largest_difference
from crosshook.core.surrogates.directory import model_folder
from crosshook.core.surrogates.models import load_surrogate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from crosshook.core.interfaces.amplitude_surrogate import AmplitudeSurrogate

    Columns = tuple[Tensor, Tensor, Tensor]

INPUTS = ("momenta", "process", "alpha_s")
OUTPUTS = ("log_abs", "sign", "log_std")
TOLERANCE = 1e-4
"""Agreement of logarithms: what a network in float32 leaves where slopes are below 10³."""
LIBRARIES = (".so", ".dylib")
"""Endings of shared libraries."""
PART = 7
"""Points of a second check, to see that n was not frozen."""


@runtime_checkable
class Exportable(Protocol):
    """A surrogate that is one graph of torch operations."""

    def exportable(self) -> torch.nn.Module:
        """A module from the inputs to the outputs of the exported file, without gradients."""
        ...

    def samples(self) -> Columns:
        """Some points of its training: momenta, process, α_s."""
        ...


@dataclass(frozen=True)
class ExportReport:
    """An exported surrogate.

    Attributes:
        path: the file.
        kind: `onnx`, `torch.export` or `umami`.
        points: compared.
        largest_difference: of any output at any of them.
        bytes: size of the file.
    """

    path: str
    kind: str
    points: int
    largest_difference: float
    bytes: int


def export_surrogate(
    model: Path | str, output: Path | str, *, overwrite: bool = False
) -> ExportReport:
    """Writes a surrogate as one file and compares what that gives with the surrogate itself.

    Args:
        model: directory of a surrogate, or of its model.
        output: ends with `.onnx`, with `.pt2` for torch.export, or with `.so` or `.dylib` for a
            shared library that speaks UMAMI.
        overwrite: replace a file that is there already.

    Raises:
        ConfigurationError: if the ending is another, the surrogate cannot be exported, or ONNX is
            not installed.
        NumericalError: if the exported surrogate gives other results.
        ProgramError: if a library is wanted and there is no C compiler.
        OutputError: if the file is there already or cannot be written.
    """
    model, output = Path(model), Path(output)
    writers: dict[str, tuple[str, Callable[..., Callable[[Columns], Columns]]]] = {
        ".onnx": ("onnx", _write_onnx),
        ".pt2": ("torch.export", _write_torch),
    }
    if output.suffix not in (*writers, *LIBRARIES):
        known = ", ".join((*writers, *LIBRARIES))
        message = f"{output}: ends with {output.suffix!r}, not with one of {known}"
        raise ConfigurationError(message)
    if output.exists() and not overwrite:
        message = f"{output}: exists already; use --overwrite or another name"
        raise OutputError(message)
    surrogate = load_surrogate(model_folder(model))
    if output.suffix in LIBRARIES:
        kind, (points, difference) = "umami", compiled(surrogate, output, PART)
    else:
        kind, writer = writers[output.suffix]
        points, difference = _exported(surrogate, output, writer)
    if not difference <= TOLERANCE:
        output.unlink()
        message = f"{output}: exported results differ by {difference:.2g}, at most {TOLERANCE:g}"
        raise NumericalError(message)
    return ExportReport(str(output), kind, points, difference, output.stat().st_size)


def _exported(
    surrogate: AmplitudeSurrogate,
    output: Path,
    writer: Callable[[torch.export.ExportedProgram, Path], Callable[[Columns], Columns]],
) -> tuple[int, float]:
    """Writes one graph of torch operations; the number of points compared, and the difference."""
    if not isinstance(surrogate, Exportable):
        message = f"{output}: this kind of surrogate cannot be exported: it has no exportable()"
        raise ConfigurationError(message)
    module, columns = surrogate.exportable(), surrogate.samples()
    size = torch.export.Dim("n", min=1)
    with torch.no_grad(), _quiet():
        program = torch.export.export(module, columns, dynamic_shapes=({0: size},) * len(columns))
        run = writer(program, output)
        momenta, process, alpha_s = columns
        part = (momenta[:PART], process[:PART], alpha_s[:PART])
        difference = max(_difference(run(rows), module(*rows)) for rows in (columns, part))
    return len(columns[0]), difference


def _write_torch(
    program: torch.export.ExportedProgram, output: Path
) -> Callable[[Columns], Columns]:
    try:
        torch.export.save(program, output)
    except (OSError, RuntimeError) as error:
        message = f"{output}: cannot be written: {error}"
        raise OutputError(message) from error
    loaded = torch.export.load(output).module()
    return lambda columns: loaded(*columns)


def _write_onnx(
    program: torch.export.ExportedProgram, output: Path
) -> Callable[[Columns], Columns]:
    try:
        import onnxruntime
        import onnxscript  # noqa: F401 - torch needs it, and says so late
    except ImportError as error:
        message = f"{output}: ONNX is not installed ({error.name}): pip install 'crosshook[onnx]'"
        raise ConfigurationError(message) from error
    written = torch.onnx.export(
        program, dynamo=True, input_names=INPUTS, output_names=OUTPUTS, verbose=False
    )
    assert written is not None
    try:
        written.save(output, external_data=False)
    except OSError as error:
        message = f"{output}: cannot be written: {error.strerror or error}"
        raise OutputError(message) from error
    session = onnxruntime.InferenceSession(output, providers=["CPUExecutionProvider"])

    def run(columns: Columns) -> Columns:
        given = {name: c.cpu().numpy() for name, c in zip(INPUTS, columns, strict=True)}
        found = session.run(list(OUTPUTS), given)
        log_abs, sign, log_std = (torch.from_numpy(column) for column in found)
        return log_abs, sign, log_std

    return run


def _difference(got: Columns, wanted: Columns) -> float:
    return max(largest_difference(g.cpu(), w.cpu()) for g, w in zip(got, wanted, strict=True))


@contextmanager
def _quiet() -> Iterator[None]:
    """Exporters talk about packages they do without, and about each other's deprecations."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
