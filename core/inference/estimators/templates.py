"""Likelihoods of one number of each event: histograms at every grid point, by reweighted simulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.features import Features


PARTS = 16
"""Of the simulated events, whose spread is the error of the templates."""


@dataclass(frozen=True)
class Templates:
    """Histograms of an observable.

    Attributes:
        edges: inner edges of the bins, increasing, `(b − 1,)`.
        log_share: log of the share of the events in each bin at every grid point, `(b, t)`.
        deviations: shares by parts of the simulated events over those by all, less 1,
            `(b, PARTS, t)`: the statistical error of the templates.
    """

    edges: Tensor
    log_share: Tensor
    deviations: Tensor

    @classmethod
    def of(cls, values: Tensor, log_ratio: Tensor, bins: int) -> Templates:
        """Fills bins of equal numbers of simulated events.

        Args:
            values: of simulated events of a mixture, `(n,)`.
            log_ratio: log of their density at every grid point over that of the mixture, `(n, t)`.
            bins: number of them; fewer where values coincide.
        """
        steps = torch.arange(1, bins, dtype=torch.float64, device="cpu") / bins
        ordered = values.sort().values
        places = (steps * (len(ordered) - 1)).long()
        edges = torch.unique(ordered[places])
        found = torch.bucketize(values.contiguous(), edges, right=True)
        share = torch.softmax(log_ratio, dim=0)
        filled = share.new_zeros((len(edges) + 1, share.shape[1])).index_add(0, found, share)
        least = 0.5 / len(values)  # half an event, where reweighting leaves a bin empty
        filled = filled.clamp(min=least)
        part = torch.arange(len(values), device=values.device) % PARTS
        ratio = torch.exp(log_ratio)
        sums = ratio.new_zeros((PARTS * len(filled), ratio.shape[1]))
        sums = sums.index_add(0, part * len(filled) + found, ratio).reshape(PARTS, *filled.shape)
        shares = sums / sums.sum(dim=1, keepdim=True)
        return cls(edges, torch.log(filled), (shares / filled - 1).transpose(0, 1))

    def deviations_of(self, values: Tensor) -> Tensor:
        """Of the bins of events `(n,)`, `(n, PARTS, t)`; parts are the same for all events."""
        return self.deviations[self._bin(values)]

    def _bin(self, values: Tensor) -> Tensor:
        return torch.bucketize(values.contiguous(), self.edges, right=True)

    def log_ratio(self, values: Tensor) -> Tensor:
        """log of the share of each event's bin at every grid point, `(n, t)`."""
        return self.log_share[self._bin(values)]


def column_of_events(reco: Features, name: str) -> Tensor:
    """A dense column, or `SET.COLUMN` of the object with the largest first column, `(n,)`.

    Events without such an object have -inf.

    Raises:
        ConfigurationError: if there is none of this name.
    """
    if name in reco.names:
        return reco.dense[:, reco.names.index(name)]
    known = list(reco.names)
    for kind, (values, mask) in reco.sets.items():
        width = values.shape[2]
        names = reco.set_names.get(kind, tuple(f"{kind}{i}" for i in range(width)))
        known += [f"{kind}.{column}" for column in names]
        if name.startswith(f"{kind}.") and name.removeprefix(f"{kind}.") in names:
            first = torch.where(mask, values[..., 0], -torch.inf).argmax(dim=1)
            chosen = values[torch.arange(len(values), device=values.device), first]
            column = chosen[:, names.index(name.removeprefix(f"{kind}."))]
            return torch.where(mask.any(dim=1), column, -torch.inf)
    message = f"estimator.observable: no column {name!r}; events have {', '.join(known)}"
    raise ConfigurationError(message)
