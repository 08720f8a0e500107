"""What an unfolder is given, taken apart: matched events, fakes, data to add and to subtract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import InputError
from crosshook.plugins.unfold.finite import refuse_holes

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.features import Features
    from crosshook.core.interfaces.unfolder import Measured, Simulation

FEWEST = 20
"""Matched simulated events below which there is nothing to learn from."""


@dataclass(frozen=True)
class Samples:
    """Everything that is learned from. n truth rows, f reco columns, d truth columns.

    Attributes:
        truth: simulated events with truth, n rows, in their order.
        weight: their generator weights, `(n,)`.
        matched: numbers of those with reco and a weight that is not zero, `(m,)` int64.
        reco: reco of the matched events, `(m, f)`.
        fake: reco of simulated events without truth, `(k, f)`.
        fake_weight: `(k,)`.
        data: measured reco, and that of backgrounds with negative weights, `(l, f)`.
        data_weight: positive, `(l,)`.
        removed: reco of backgrounds, and measured reco with negative weights, `(r, f)`.
        removed_weight: positive, `(r,)`; what is subtracted.
    """

    truth: Features
    weight: Tensor
    matched: Tensor
    reco: Tensor
    fake: Tensor
    fake_weight: Tensor
    data: Tensor
    data_weight: Tensor
    removed: Tensor
    removed_weight: Tensor

    @property
    def matched_weight(self) -> Tensor:
        """Weights of the matched events, `(m,)`."""
        return self.weight[self.matched]


def take_apart(
    name: str, simulation: Simulation, measured: Measured, background: Measured | None
) -> Samples:
    """Checks and sorts the events.

    Args:
        name: of the component, for messages.
        simulation: both levels.
        measured: to unfold.
        background: to subtract.

    Raises:
        InputError: if there is nothing to learn from, or a value is no finite number.
    """
    weights = {"simulated": simulation.weight, "measured": measured.weight}
    if background is not None:
        weights["background"] = background.weight
    for what, column in weights.items():
        refuse_holes(name, what, ("weight",), column[:, None])
    known = simulation.has_truth
    truth = simulation.truth.select(known)
    weight = simulation.weight[known]
    matched = torch.nonzero(simulation.has_reco[known] & (weight != 0))[:, 0]
    seen = simulation.reco.dense[known][matched]
    lost = torch.nonzero(simulation.has_reco & ~known & (simulation.weight != 0))[:, 0]
    fake = simulation.reco.dense[lost]
    if len(matched) < FEWEST or float(weight[matched].sum()) <= 0.0:
        message = (
            f"{name}: {len(matched)} of {len(simulation.weight)} simulated events have truth, "
            f"reco and a weight, at least {FEWEST} with a positive sum of weights are needed"
        )
        raise InputError(message)
    if not truth.names or not simulation.reco.names:
        message = f"{name}: no dense column of truth or reco; sets of objects alone do not do"
        raise InputError(message)
    plus, minus = _signed(measured)
    if background is not None:
        added, taken = _signed(background)
        plus, minus = _joined(plus, taken), _joined(minus, added)
    for other in (measured, background):
        if other is not None and other.reco.names != simulation.reco.names:
            message = (
                f"{name}: measured columns {', '.join(other.reco.names)}; simulated "
                f"{', '.join(simulation.reco.names)}"
            )
            raise InputError(message)
    remaining = float(plus[1].sum() - minus[1].sum())
    if not remaining > 0.0:
        message = f"{name}: {remaining:g} events are left of the data without the background"
        raise InputError(message)
    refuse_holes(name, "simulated truth", truth.names, truth.dense)
    for rows in (seen, fake):
        refuse_holes(name, "simulated reco", simulation.reco.names, rows)
    for rows in (plus[0], minus[0]):
        refuse_holes(name, "measured or background reco", measured.reco.names, rows)
    return Samples(truth, weight, matched, seen, fake, simulation.weight[lost], *plus, *minus)


def _signed(sample: Measured) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Rows of positive and of negative weight, both with the size of their weights."""
    up, down = sample.weight > 0, sample.weight < 0
    rows = sample.reco.dense
    return (rows[up], sample.weight[up]), (rows[down], -sample.weight[down])


def _joined(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return torch.cat([a[0], b[0]]), torch.cat([a[1], b[1]])
