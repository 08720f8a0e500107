"""The buffer: every point that was paid for, weighed by the mixture of all that points came from.

A point of channel c drawn in generation t has weight 1/ρ_c with ρ_c = Σ_t n_tc q_tc / Σ_t n_tc
(the balance heuristic over generations): early, badly placed points cannot spoil later ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.interfaces.training import Draw
    from crosshook.core.sampling.parts import Density

OPTIONAL = ("features", "condition")


@dataclass
class Generation:
    """Points drawn from one frozen proposal.

    Attributes:
        counts: points in each channel, `(k,)`.
        state: what the proposal is rebuilt from.
    """

    counts: Tensor
    state: dict[str, Tensor]


def columns_of(draw: Draw) -> dict[str, Tensor]:
    """What is kept of a draw."""
    columns: dict[str, Tensor] = {
        "u": draw.u,
        "channel": draw.channel,
        "value": draw.value,
        "log_alpha": draw.log_alpha,
        "log_prior": draw.log_prior,
    }
    return columns | {name: t for name in OPTIONAL if (t := getattr(draw, name)) is not None}


class Buffer:
    """Points of all generations, oldest first.

    Attributes:
        columns: u, channel, value, log_alpha, log_prior, and features and condition if there are.
        log_q: log density of each point under each generation, `(n, T)`.
        generations: oldest first.
    """

    def __init__(self, channels: int, largest: int) -> None:
        """An empty buffer.

        Args:
            channels: k.
            largest: points kept; whole old generations make room.
        """
        self._channels = channels
        self._largest = largest
        self.columns: dict[str, Tensor] = {}
        self.log_q = torch.empty(0)
        self.generations: list[Generation] = []

    def __len__(self) -> int:
        return self.columns["u"].shape[0] if self.columns else 0

    def add(
        self, draw: Draw, state: dict[str, Tensor], density: Callable[[dict[str, Tensor]], Density]
    ) -> None:
        """Takes a draw in.

        Args:
            draw: the points.
            state: what the proposal they come from is rebuilt from.
            density: gives the log density of a generation's state.
        """
        new = columns_of(draw)
        counts = torch.bincount(draw.channel, minlength=self._channels)
        generation = Generation(counts, state)
        rows = (new["u"], new["channel"], new.get("condition"))
        own = -draw.log_det
        old = [density(g.state)(*rows) for g in self.generations]
        below = torch.stack([*old, own], dim=1)
        if self.columns:
            before = density(state)(
                self.columns["u"], self.columns["channel"], self.columns.get("condition")
            )
            above = torch.cat([self.log_q, before[:, None]], dim=1)
            self.log_q = torch.cat([above, below])
            self.columns = {name: torch.cat([self.columns[name], new[name]]) for name in new}
        else:
            self.log_q, self.columns = below, new
        self.generations.append(generation)
        self._forget()

    def _forget(self) -> None:
        """Whole generations go, the oldest first, while there are too many points."""
        while len(self) > self._largest and len(self.generations) > 1:
            count = int(self.generations.pop(0).counts.sum())
            self.columns = {name: column[count:] for name, column in self.columns.items()}
            self.log_q = self.log_q[count:, 1:]

    def log_rho(self) -> Tensor:
        """log ρ_c of every point, `(n,)`."""
        counts = torch.stack([g.counts for g in self.generations], dim=1).to(self.log_q.dtype)
        share = counts / counts.sum(dim=1, keepdim=True).clamp(min=1.0)
        return torch.logsumexp(self.log_q + torch.log(share)[self.columns["channel"]], dim=1)

    def state(self) -> dict[str, Tensor]:
        """Everything as tensors, for a checkpoint."""
        found = {f"column/{name}": column for name, column in self.columns.items()}
        found["log_q"] = self.log_q
        for t, generation in enumerate(self.generations):
            found[f"generation/{t}/counts"] = generation.counts
            for name, tensor in generation.state.items():
                found[f"generation/{t}/state/{name}"] = tensor
        return found

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Takes back what `state` gave."""
        self.log_q = tensors["log_q"]
        self.columns = {
            key.removeprefix("column/"): tensor
            for key, tensor in tensors.items()
            if key.startswith("column/")
        }
        self.generations = []
        while (counts := tensors.get(f"generation/{len(self.generations)}/counts")) is not None:
            prefix = f"generation/{len(self.generations)}/state/"
            state = {
                key.removeprefix(prefix): tensor
                for key, tensor in tensors.items()
                if key.startswith(prefix)
            }
            self.generations.append(Generation(counts, state))
