"""Transfer function: density of what the detector shows given what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from crosshook.core.interfaces.features import Features


class TransferFunction(Protocol):
    """T(x|z) over multiplicity and features, normalised over *accepted* events, and ε(z).

    Objects of a set have no order, and each set counts once: T of k objects is the sum over their
    assignments, and integrates to the chance of k where the objects are in falling order.
    """

    def log_prob(self, reco: Features, truth: Features) -> Tensor:
        """log T(x|z) row by row, `(n,)`; -inf where x cannot come from z."""
        ...

    def sample(self, truth: Features, n_draws: int, rng: torch.Generator) -> Features:
        """Draws accepted reconstructions: n · n_draws rows, the draws of a truth row together."""
        ...

    def log_acceptance(self, truth: Features) -> Tensor:
        """log ε(z) ≤ 0, `(n,)`."""
        ...
