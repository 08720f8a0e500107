"""An ONNX model ready to run: its inputs and outputs checked by name, type and shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from crosshook.core.errors import InputError, NumericalError, brief
from crosshook.plugins.onnx.model_file import check_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import onnxruntime
    from numpy.typing import NDArray

    from crosshook.plugins.onnx.declared import Declared

    Array = NDArray[np.generic]

TYPES: Final[dict[str, type[np.generic]]] = {
    "tensor(double)": np.float64,
    "tensor(float)": np.float32,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}
FATAL: Final = 4
"""Its loudness: what goes wrong is raised, too."""


@dataclass(frozen=True)
class _Taken:
    """One input: its name, what numbers it takes, and its shape beyond the points."""

    name: str
    dtype: type[np.generic]
    shape: tuple[int, ...]


class Session:
    """A model with the inputs and outputs that were declared; n is free."""

    def __init__(self, data: bytes, where: str, declared: Declared, legs: int) -> None:
        """Loads a model; nothing is read but these bytes.

        Args:
            data: of the file.
            where: its name, for messages.
            declared: which input and output is what.
            legs: of the process; 0 if they are not known.

        Raises:
            InputError: if there is no such model in it.
        """
        import onnxruntime  # comes with the extra

        check_model(data, where)
        options = onnxruntime.SessionOptions()
        # Blocks run beside each other; a point's value may not depend on the number of threads.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = FATAL
        try:
            self._session = onnxruntime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"]
            )
        except _errors() as error:
            message = f"{where}: onnxruntime cannot load it: {brief(error)}"
            raise InputError(message) from error
        self._where = where
        offered = {given.name: given for given in self._session.get_inputs()}
        self._taken: dict[str, _Taken] = {}
        for what, name in declared.inputs.items():
            if name is not None:
                found = _found(where, "input", what, name, offered)
                self._taken[what] = self._input(what, found, len(declared.legs or ()) or legs)
        left = sorted(set(offered) - {taken.name for taken in self._taken.values()})
        if left:
            shown = ", ".join(_shown(offered[name]) for name in left)
            message = f"{where}: nothing goes to input {shown}; options.inputs names those it has"
            raise InputError(message)
        results = {given.name: given for given in self._session.get_outputs()}
        self._outputs = {
            what: _found(where, "output", what, name, results).name
            for what, name in declared.outputs.items()
            if name is not None
        }

    def _input(self, what: str, given: onnxruntime.NodeArg, legs: int) -> _Taken:
        """Checks one input."""
        kind = TYPES.get(given.type)
        if kind is None or (what != "process" and not issubclass(kind, np.floating)):
            message = (
                f"{self._where}: input {_shown(given)} for {what}: "
                f"{'integers' if what == 'process' else 'float or double'} are needed"
            )
            raise InputError(message)
        sizes = list(given.shape)
        # One column a point, or none; momenta leg by leg, or in one row.
        wanted = [(), (1,)]
        if what == "momenta":
            named = sizes[1] if len(sizes) == 3 else (sizes[1] // 4 if _fixed(sizes, 1) else 0)
            m = legs or (named if isinstance(named, int) else 0)
            wanted = [(m, 4), (4 * m,)]
        fits = [
            shape for shape in wanted if len(shape) + 1 == len(sizes) and _agree(shape, sizes[1:])
        ]
        if _fixed(sizes, 0) or not fits:
            allowed = " or ".join(_words(("n", *(size or "m" for size in s))) for s in wanted)
            message = (
                f"{self._where}: input {_shown(given)} for {what}: its shape should be {allowed}, "
                "with n free"
            )
            raise InputError(message)
        return _Taken(given.name, kind, fits[0])

    def run(self, columns: Mapping[str, Array]) -> dict[str, NDArray[np.float64]]:
        """The outputs at n > 0 points, `(n,)` each.

        Args:
            columns: momenta `(n, m, 4)`, process `(n,)`, alpha_s `(n,)`.

        Raises:
            NumericalError: if the model fails, or an output is no column.
        """
        n = len(columns["momenta"])
        given = {}
        for what, taken in self._taken.items():
            column = columns[what].astype(taken.dtype)
            shape = (n, *(size or -1 for size in taken.shape))
            given[taken.name] = np.ascontiguousarray(column.reshape(shape))
        try:
            found: Sequence[Array] = self._session.run(list(self._outputs.values()), given)
        except _errors() as error:
            message = f"{self._where}: failed at {n} points: {brief(error)}"
            raise NumericalError(message) from error
        results = {}
        for (what, name), values in zip(self._outputs.items(), found, strict=True):
            if values.shape not in ((n,), (n, 1)) or values.dtype.kind not in "fi":
                message = (
                    f"{self._where}: output {name!r} for {what} is {values.dtype} of shape "
                    f"{values.shape} at {n} points; one number a point is needed"
                )
                raise NumericalError(message)
            results[what] = values.reshape(n).astype(np.float64)
        return results


def _fixed(sizes: Sequence[object], axis: int) -> bool:
    return len(sizes) <= axis or isinstance(sizes[axis], int)


def _agree(wanted: Sequence[int], sizes: Sequence[object]) -> bool:
    """Whether sizes are as wanted; 0 stands for one that is not known, names for free ones."""
    return all(
        w in (0, size) or not isinstance(size, int) for w, size in zip(wanted, sizes, strict=True)
    )


def _found(
    where: str, side: str, what: str, name: str, offered: Mapping[str, onnxruntime.NodeArg]
) -> onnxruntime.NodeArg:
    if name not in offered:
        shown = ", ".join(map(_shown, offered.values())) or "none"
        message = (
            f"{where}: no {side} {name!r} for {what}; it has {shown}; "
            f"options.{side}s.{what} names it, or is null if there is none"
        )
        raise InputError(message)
    return offered[name]


def _shown(given: onnxruntime.NodeArg) -> str:
    return f"{given.name!r} ({given.type} {_words(given.shape)})"


def _words(shape: Sequence[object]) -> str:
    return f"({', '.join('?' if size is None else str(size) for size in shape)})"


def _errors() -> tuple[type[Exception], ...]:
    """What onnxruntime raises; its errors have no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return tuple(
        kind
        for kind in vars(state).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    )
