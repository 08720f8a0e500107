"""The buffer: every point that was paid for, weighed by the mixture of all that points came from.

A point of channel c drawn in generation t has weight 1/ρ_c with ρ_c = Σ_t n_tc q_tc / Σ_t n_tc
(the balance heuristic over generations): early, badly placed points cannot spoil later ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.learning.progressed import under

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from crosshook.core.interfaces.training import Draw
    from crosshook.core.sampling.parts import Density

OPTIONAL = ("features", "condition", "log_gradient")


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
    columns |= {name: t for name in OPTIONAL if (t := getattr(draw, name)) is not None}
    # How tensors are laid out shows in the last digits of sums over them.
    return {name: column.contiguous() for name, column in columns.items()}


class Buffer:
    """Points of all generations, oldest first.

    Attributes:
        columns: u, channel, value, log_alpha, log_prior, and features, condition and gradients if
            there are.
        log_q: log density of each point under each generation, `(n, T)`.
        generations: oldest first.
        forgotten: number of generations that made room.
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
        self.forgotten = 0

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
            self.forgotten += 1
            # Copies: what is left must be laid out as it is after a resume, or sums differ.
            self.columns = {name: column[count:].clone() for name, column in self.columns.items()}
            self.log_q = self.log_q[count:, 1:].contiguous()

    def log_rho(self) -> Tensor:
        """log ρ_c of every point, `(n,)`."""
        counts = torch.stack([g.counts for g in self.generations], dim=1).to(self.log_q.dtype)
        share = counts / counts.sum(dim=1, keepdim=True).clamp(min=1.0)
        return torch.logsumexp(self.log_q + torch.log(share)[self.columns["channel"]], dim=1)

    def piece(self, t: int) -> dict[str, Tensor]:
        """What a generation brought, which further generations do not change; for a checkpoint.

        Args:
            t: its place among those that are there.
        """
        sizes = [int(g.counts.sum()) for g in self.generations]
        start, generation = sum(sizes[:t]), self.generations[t]
        own = slice(start, start + sizes[t])
        found = {f"column/{name}": column[own] for name, column in self.columns.items()}
        found |= {f"state/{name}": tensor for name, tensor in generation.state.items()}
        # Its points under this generation and those before, earlier points under this one.
        found |= {"below": self.log_q[own, : t + 1], "before": self.log_q[:start, t]}
        return found | {"counts": generation.counts}

    def load_pieces(self, pieces: Sequence[dict[str, Tensor]], forgotten: int) -> None:
        """Takes back what `piece` gave.

        Args:
            pieces: of all generations, oldest first. They may know of older ones, which are
                forgotten by now.
            forgotten: number of these.
        """
        self.forgotten = forgotten
        self.generations = [Generation(p["counts"], under(p, "state/")) for p in pieces]
        columns = [under(p, "column/") for p in pieces]
        self.columns = {name: torch.cat([c[name] for c in columns]) for name in columns[0]}
        n, last = len(self), 0
        self.log_q = pieces[0]["below"].new_empty((n, len(pieces)))
        for t, piece in enumerate(pieces):
            rows = piece["below"].shape[0]
            self.log_q[last : last + rows, : t + 1] = piece["below"][:, -(t + 1) :]
            self.log_q[:last, t] = piece["before"][piece["before"].shape[0] - last :]
            last += rows
