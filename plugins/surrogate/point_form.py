"""What is known of points before a network sees them: its inputs, and the analytic part of |M|²."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.plugins.surrogate.ansatz import Name, make_ansatz
from crosshook.plugins.surrogate.pair_invariants import log_invariants
from crosshook.plugins.surrogate.relabelling import Chooser, Legs, relabellings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@dataclass(frozen=True)
class Known:
    """Points as the network sees them.

    Attributes:
        inputs: logarithms of invariants of the chosen labelling, log ŝ, one column a subprocess,
            `(n, f)` in the network's precision.
        log_ansatz: log of what multiplies the network's part of | |M|² |/α_s^k, `(n,)`.
    """

    inputs: Tensor
    log_ansatz: Tensor


class PointForm:
    """Turns momenta of given subprocesses into inputs and ansatz.

    Attributes:
        choosers: of the labelling, for each subprocess.
        ansatz: of each subprocess.
        dimension: power of ŝ that goes with each ansatz.
    """

    def __init__(
        self,
        pdg: Sequence[Legs],
        qcd_order: Sequence[int],
        n_incoming: int,
        ansatz: Name,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        """Prepares labellings and ansatz of each subprocess.

        Args:
            pdg: of the legs of each subprocess, incoming first.
            qcd_order: power of α_s in |M|² of each subprocess.
            n_incoming: 1 or 2.
            ansatz: its name.
            dtype: of the network.
            device: where points live.

        Raises:
            ConfigurationError: if the ansatz does not exist for one of them.
        """
        self._n_incoming = n_incoming
        self._dtype = dtype
        # |M|² has the dimension of GeV^(8-2m): ŝ^(4-m) takes it off.
        self.dimension = 4 - len(pdg[0])
        orders = zip(pdg, qcd_order, strict=True)
        self.choosers = [
            Chooser(relabellings(legs, n_incoming, k), n_incoming, device) for legs, k in orders
        ]
        self.ansatz = [make_ansatz(ansatz, legs, n_incoming, device) for legs in pdg]

    def __call__(self, momenta: Tensor, process: Tensor) -> Known:
        """Inputs and ansatz of points.

        Args:
            momenta: `(n, m, 4)` in GeV.
            process: index of the subprocess, `(n,)` int64.
        """
        logs, log_s = log_invariants(momenta, self._n_incoming, self._dtype)
        if len(self.choosers) == 1:
            chosen, factor = self.choosers[0](logs), self.ansatz[0](logs)
            columns = [chosen, log_s[:, None].to(self._dtype)]
        else:
            chosen, factor = self._by_subprocess(logs, process)
            own = torch.nn.functional.one_hot(process, len(self.choosers))
            columns = [chosen, log_s[:, None].to(self._dtype), own.to(self._dtype)]
        log_ansatz = factor.to(log_s.dtype) + self.dimension * log_s
        return Known(torch.cat(columns, dim=1), log_ansatz)

    def _by_subprocess(self, logs: Tensor, process: Tensor) -> tuple[Tensor, Tensor]:
        chosen, factor = torch.zeros_like(logs), logs.new_zeros(len(logs))
        for number, (chooser, ansatz) in enumerate(zip(self.choosers, self.ansatz, strict=True)):
            own = process == number
            # All rows, then a choice: no shape depends on data, so that it can be exported.
            chosen = torch.where(own[:, None], chooser(logs), chosen)
            factor = torch.where(own, ansatz(logs), factor)
        return chosen, factor
