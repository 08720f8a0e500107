"""Amplitude surrogate `onnx`: |M|² by a model of anybody's in an ONNX file.

The model is what `crosshook surrogate export` writes, or a stranger's whose inputs and outputs the
run file declares. Its bytes are the component's state: a run keeps its own copy.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.interfaces.amplitude_surrogate import Prediction
from crosshook.plugins.onnx.declared import Declared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.plugins.onnx.declared import Meaning, Names
    from crosshook.plugins.onnx.session import Session

BYTES = "onnx"


class OnnxSurrogate:
    """See the module."""

    def __init__(self, context: BuildContext, file: Path, declared: Declared) -> None:
        """Reads the file, unless a saved model will be loaded.

        Args:
            context: for the number of legs.
            file: the model.
            declared: what is what in it.

        Raises:
            InputError: if the file cannot be used, or is for other legs.
        """
        self._declared = declared
        self._legs = context.legs
        self._file = file
        self._data = b""
        self._session: Session | None = None
        if self._legs:
            self._check_legs(self._legs)
        if context.model is None:
            from crosshook.plugins.onnx.model_file import read_model

            self._load(read_model(file), str(file))

    def _check_legs(self, legs: int) -> None:
        for pdg in self._declared.pdg:
            if len(pdg) != legs:
                message = f"onnx: options.subprocesses: pdg {list(pdg)} for {legs} legs"
                raise InputError(message)
        beyond = [leg for leg in self._declared.legs or () if leg >= legs]
        if beyond:
            message = f"onnx: options.legs: there is no leg {beyond[0]} of {legs}, counted from 0"
            raise InputError(message)

    def _load(self, data: bytes, where: str) -> None:
        from crosshook.plugins.onnx.session import Session

        self._session = Session(data, where, self._declared, self._legs)
        self._data = data

    def predict(
        self, momenta: Tensor, process: Tensor, alpha_s: Tensor, condition: Tensor | None = None
    ) -> Prediction:
        """|M|² of points; see `AmplitudeSurrogate.predict`.

        Raises:
            InputError: if a subprocess was not declared.
            NumericalError: if the model fails.
        """
        assert self._session is not None
        declared = self._declared
        if not len(alpha_s):
            log_std = None if declared.outputs["log_std"] is None else alpha_s.clone()
            return Prediction(alpha_s.clone(), alpha_s.clone(), log_std)
        number = self._number(process)
        chosen = momenta if declared.legs is None else momenta[:, list(declared.legs)]
        columns = {"momenta": chosen, "process": number, "alpha_s": alpha_s}
        found = {
            name: torch.from_numpy(column).to(alpha_s)
            for name, column in self._session.run(
                {name: column.detach().numpy() for name, column in columns.items()}
            ).items()
        }
        log_abs, sign = _logarithm(found["amplitude"], declared.meaning)
        if declared.powers:
            power = alpha_s.new_tensor(declared.powers)[process]
            log_abs = log_abs + power * (alpha_s / declared.reference).log()
        if "sign" in found:
            sign = torch.where(found["sign"] < 0, -1.0, 1.0).to(alpha_s)
        return Prediction(log_abs, sign, found.get("log_std"))

    def _number(self, process: Tensor) -> Tensor:
        """What the model calls the subprocesses."""
        declared = self._declared
        known = len(declared.ids or declared.powers or declared.pdg)
        if known and int(process.max()) >= known:
            message = f"onnx: subprocess {int(process.max())}, counted from 0, of {known} declared"
            raise InputError(message)
        return process.new_tensor(declared.ids)[process] if declared.ids else process

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """The file, and the subprocesses it is for."""
        data = torch.from_numpy(np.frombuffer(self._data, np.uint8).copy())
        values: dict[str, object] = {"file": self._file.name}
        if self._declared.pdg:
            values["pdg"] = [list(pdg) for pdg in self._declared.pdg]
        return {BYTES: data}, values

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """Takes back what `state` gave."""
        data = tensors[BYTES].to(device="cpu", dtype=torch.uint8).numpy().tobytes()
        self._load(data, f"{values['file']}, as it was saved")


def _logarithm(amplitude: Tensor, meaning: Meaning) -> tuple[Tensor, Tensor]:
    """log| |M|² | and sign of what the model gives."""
    one = torch.ones_like(amplitude)
    if meaning == "value":
        return amplitude.abs().log(), torch.where(amplitude < 0, -one, one)
    return amplitude * (math.log(10.0) if meaning == "log10" else 1.0), one


def make(
    context: BuildContext,
    *,
    file: str,
    inputs: Names,
    outputs: Names,
    meaning: Meaning,
    legs: list[int] | None,
    subprocesses: list[Mapping[str, object]],
    alpha_s: float | None,
) -> OnnxSurrogate:
    """The component's factory.

    Raises:
        ConfigurationError: if ONNX is not installed, or what is declared contradicts itself.
    """
    declared = Declared.of(inputs, outputs, meaning, legs, subprocesses, alpha_s)
    try:
        import onnx  # noqa: F401 - reads files before onnxruntime does
        import onnxruntime  # noqa: F401
    except ImportError as error:
        message = f"{file}: ONNX is not installed ({error.name}): pip install 'crosshook[onnx]'"
        raise ConfigurationError(message) from error
    return OnnxSurrogate(context, Path(file), declared)
