"""The surrogate as one torch module: what is exported to programs without crosshook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.plugins.surrogate.learned import Learned


class ExportedSurrogate(torch.nn.Module):
    """From momenta, process and α_s to log| |M|² |, its sign and log σ."""

    def __init__(self, learned: Learned) -> None:
        """Takes what a training left; all of it becomes constants of the graph."""
        super().__init__()
        self._learned = learned

    def forward(
        self, momenta: Tensor, process: Tensor, alpha_s: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See `Learned.predict`."""
        log_abs, sign, log_std = self._learned.predict(momenta, process, alpha_s)
        # An output that is a constant seen through a view is no output of a graph.
        return log_abs, sign + torch.zeros_like(log_abs), log_std
