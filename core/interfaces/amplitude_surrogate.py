"""Amplitude surrogate: a fast prediction of |M|² with its own error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Prediction:
    """Predicted amplitudes of n points.

    Attributes:
        log_abs: log | |M|² |, with |M|² in GeV^(8-2m), `(n,)`.
        sign: +1 or -1, `(n,)`.
        log_std: logarithm of the standard deviation of `log_abs`, `(n,)`, or None.
    """

    log_abs: Tensor
    sign: Tensor
    log_std: Tensor | None = None


class AmplitudeSurrogate(Protocol):
    """Trained on |M|²/α_s^k, with k stored beside the network."""

    def predict(
        self,
        momenta: Tensor,
        process: Tensor,
        alpha_s: Tensor,
        condition: Tensor | None = None,
    ) -> Prediction:
        """Predicts |M|².

        Args:
            momenta: `(n, m, 4)` in GeV, incoming first.
            process: index of the subprocess, `(n,)` int64.
            alpha_s: strong coupling, `(n,)`.
            condition: model parameters, `(n, c)`, or None.

        Returns:
            One prediction a point.
        """
        ...
