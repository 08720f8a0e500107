"""An amplitude surrogate in the place of a process's amplitudes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.interfaces.matrix_element import SquaredAmplitude

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.interfaces.amplitude_surrogate import AmplitudeSurrogate
    from crosshook.core.interfaces.matrix_element import MatrixElement, Subprocess


def distinct_amplitudes(subprocesses: Sequence[Subprocess]) -> tuple[int, ...]:
    """The first subprocess with each amplitude, in order.

    The position in it is the `process` that surrogates are trained with and asked for.
    """
    first: dict[int, int] = {}
    for number, sub in enumerate(subprocesses):
        first.setdefault(sub.amplitude, number)
    return tuple(first.values())


class SurrogateAmplitudes:
    """A MatrixElement that predicts; it knows nothing of colour flows or weights of channels."""

    def __init__(self, surrogate: AmplitudeSurrogate, element: MatrixElement) -> None:
        """Takes the place of `element`."""
        self._surrogate = surrogate
        self.subprocesses = element.subprocesses
        self.masses = element.masses
        self.parameters = element.parameters
        self.alpha_qed = element.alpha_qed
        amplitudes = [
            element.subprocesses[i].amplitude for i in distinct_amplitudes(element.subprocesses)
        ]
        self._process = [amplitudes.index(sub.amplitude) for sub in element.subprocesses]

    def squared(
        self,
        momenta: Tensor,
        subprocess: int,
        alpha_s: Tensor,
        theta: Tensor | None = None,
        want: Sequence[str] = (),
    ) -> SquaredAmplitude:
        """Predicted |M|²; see `MatrixElement.squared`."""
        process = torch.full(
            alpha_s.shape, self._process[subprocess], dtype=torch.int64, device=alpha_s.device
        )
        found = self._surrogate.predict(momenta, process, alpha_s)
        return SquaredAmplitude(found.sign * torch.exp(found.log_abs))
