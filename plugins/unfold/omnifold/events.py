"""What an unfolding is given, sorted: truth rows, what the detector saw of them, and the data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import InputError
from crosshook.plugins.unfold.finite import refuse_holes
from crosshook.plugins.unfold.omnifold.inputs import joined_sets

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.features import Features
    from crosshook.core.interfaces.unfolder import Measured, Simulation

FEWEST = 20
"""Events of either kind below which there is nothing to learn from."""


@dataclass(frozen=True)
class Events:
    """Events of an unfolding. n truth rows, m simulated reco rows, l measured ones.

    Attributes:
        truth: simulated events with truth, in their order, `n` rows.
        weight: their generator weights, `(n,)`.
        seen: simulated events with reco and a weight, `m` rows.
        seen_weight: their generator weights, `(m,)`.
        source: truth row of each of them, -1 of fakes, `(m,)` int64.
        data: measured events and backgrounds with a weight, `l` rows.
        data_weight: `(l,)`; of backgrounds the negative of theirs.
    """

    truth: Features
    weight: Tensor
    seen: Features
    seen_weight: Tensor
    source: Tensor
    data: Features
    data_weight: Tensor

    @property
    def total(self) -> float:
        """Sum of the measured weights, background taken off."""
        return float(self.data_weight.sum())

    @property
    def matched(self) -> Tensor:
        """Which of the m reco rows have truth, `(m,)` bool."""
        return self.source >= 0


def sort_events(simulation: Simulation, measured: Measured, background: Measured | None) -> Events:
    """Checks and sorts the events.

    Raises:
        InputError: if there is nothing to learn from, or a value is no finite number.
    """
    known, weight = simulation.has_truth, simulation.weight
    for what, column in (
        ("simulation", weight),
        ("data", measured.weight),
        ("background", None if background is None else background.weight),
    ):
        if column is not None:
            refuse_holes("omnifold", what, ("weight",), column[:, None])
    seen = simulation.has_reco & (weight != 0)
    place = torch.cumsum(known, 0) - 1
    source = torch.where(known, place, torch.full_like(place, -1))[seen]
    data, data_weight = measured.reco, measured.weight
    if background is not None:
        data = _together(data, background.reco)
        data_weight = torch.cat([data_weight, -background.weight])
    used = data_weight != 0
    events = Events(
        simulation.truth.select(known),
        weight[known],
        simulation.reco.select(seen),
        weight[seen],
        source,
        data.select(used),
        data_weight[used],
    )
    matched = int(events.matched.sum())
    both = float(events.seen_weight[events.matched].sum())
    if matched < FEWEST or not both > 0.0:
        message = (
            f"omnifold: {matched} of {len(weight)} simulated events have truth, reco and a "
            f"weight, with a sum of weights of {both:g}; at least {FEWEST} with a positive sum "
            "are needed"
        )
        raise InputError(message)
    if len(events.data) < FEWEST or not events.total > 0.0:
        message = (
            f"omnifold: {len(events.data)} measured and background events with a sum of weights "
            f"of {events.total:g}; at least {FEWEST} with a positive sum are needed"
        )
        raise InputError(message)
    _refuse_other_columns(simulation.reco, events.data)
    refuse_holes("omnifold", "simulated truth", events.truth.names, events.truth.dense)
    refuse_holes("omnifold", "simulated reco", events.seen.names, events.seen.dense)
    refuse_holes("omnifold", "measured or background reco", events.data.names, events.data.dense)
    return events


def _together(a: Features, b: Features) -> Features:
    """Rows of both; sets get room for the longer ones."""
    _refuse_other_columns(a, b)
    sets = {name: joined_sets(mine, b.sets[name]) for name, mine in a.sets.items()}
    return replace(a, dense=torch.cat([a.dense, b.dense]), sets=sets)


def _refuse_other_columns(simulated: Features, other: Features) -> None:
    for what, mine, theirs in (
        ("columns", simulated.names, other.names),
        ("sets", tuple(simulated.sets), tuple(other.sets)),
    ):
        if mine != theirs:
            message = (
                f"omnifold: reco {what} of data or background are {', '.join(theirs) or 'none'}; "
                f"the others have {', '.join(mine) or 'none'}"
            )
            raise InputError(message)
