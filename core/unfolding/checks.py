"""What no unfolding can be made of, refused with a reason; what makes one doubtful, noted.

All of it holds for inputs made in Python too, not for files alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.features import Features
    from crosshook.core.unfolding.inputs import Inputs

FEWEST = 10
"""Events, by Kish's count for weighted ones, below which nothing can be unfolded."""
DOUBTFUL = 0.05
"""Kish's fraction below which few events carry the result."""
OUTSIDE = 0.01
"""Share of the measured weight beyond the simulated range that is worth a note."""


def check_inputs(inputs: Inputs) -> tuple[str, ...]:
    """Refuses inputs that cannot be unfolded.

    Args:
        inputs: simulated, measured and background events.

    Returns:
        Sentences for the report on what is doubtful.

    Raises:
        InputError: naming what was given and what is needed.
    """
    simulation, measured, background = inputs.simulation, inputs.measured, inputs.background
    n = len(simulation.weight)
    for name, part in (
        ("truth", simulation.truth.dense),
        ("reco", simulation.reco.dense),
        ("has_truth", simulation.has_truth),
        ("has_reco", simulation.has_reco),
    ):
        _same_length("simulation", name, len(part), n)
    _same_length("measured", "reco", len(measured.reco), len(measured.weight))
    both = simulation.has_truth & simulation.has_reco
    if not bool(simulation.has_truth.any()):
        message = f"simulation: none of {n} events has truth: all are fakes"
        raise InputError(message)
    if not bool(both.any()):
        message = f"simulation: none of {n} events has both truth and reconstruction"
        raise InputError(message)
    seen = torch.ones_like(measured.weight, dtype=torch.bool)
    notes = [
        *_weights("simulation: events with truth", simulation.weight, simulation.has_truth),
        *_weights(
            "simulation: events with reconstruction", simulation.weight, simulation.has_reco
        ),
        *_weights("simulation: events with truth and reconstruction", simulation.weight, both),
        *_weights("measured", measured.weight, seen),
    ]
    if background is not None:
        _same_length("background", "reco", len(background.reco), len(background.weight))
        _finite_weights("background", background.weight)
        total, expected = float(measured.weight.sum()), float(background.weight.sum())
        if not expected < total:
            message = f"background: {expected:.6g} events expected, but {total:.6g} measured"
            raise InputError(message)
    _names(simulation.reco, measured.reco, "measured")
    if background is not None:
        _names(simulation.reco, background.reco, "background")
    _finite(simulation.truth, simulation.has_truth, "simulation: truth")
    _finite(simulation.reco, simulation.has_reco, "simulation: reco")
    _finite(measured.reco, torch.ones_like(measured.weight, dtype=torch.bool), "measured")
    _constant(simulation.truth, simulation.has_truth, "simulation: truth")
    _constant(simulation.reco, simulation.has_reco, "simulation: reco")
    notes.extend(_beyond(simulation.reco, simulation.has_reco, measured.reco, measured.weight))
    return tuple(notes)


def _same_length(kind: str, name: str, found: int, wanted: int) -> None:
    if found != wanted:
        message = f"{kind}: {name} has {found} rows, weights have {wanted}"
        raise InputError(message)


def _finite_weights(kind: str, weight: Tensor) -> None:
    bad = ~weight.square().isfinite()
    if bool(bad.any()):
        row = int(bad.nonzero()[0])
        size = float(weight[row])
        why = ": too large to add up" if math.isfinite(size) else ""
        message = f"{kind}: weight of event {row} is {size:g}{why}"
        raise InputError(message)


def _weights(kind: str, weights: Tensor, there: Tensor) -> list[str]:
    """Refuses weights that leave no sample; a note where few of them carry it."""
    _finite_weights(kind, weights)
    weight = weights[there]
    n = len(weight)
    if n == 0:
        message = f"{kind}: no events"
        raise InputError(message)
    total, squares = float(weight.sum()), float(weight.square().sum())
    largest = int(torch.where(there, weights.abs(), -1.0).argmax())
    size = float(weights[largest])
    if not math.isfinite(squares):
        message = f"{kind}: weight of event {largest} is {size:g}: too large to add up"
        raise InputError(message)
    if not total > 0:
        message = f"{kind}: the weights of {n} events add up to {total:g}; it has to be above 0"
        raise InputError(message)
    kish = total**2 / squares
    if kish < FEWEST:
        more = "" if n < FEWEST else f"; event {largest} has {size:.6g} of {total:.6g}"
        message = f"{kind}: {n} events count as {kish:.3g}; at least {FEWEST} are needed{more}"
        raise InputError(message)
    if kish < DOUBTFUL * n:
        of_largest = f"event {largest} has weight {size:.6g} of {total:.6g}"
        return [f"{kind}: {n} events count as {kish:.0f}: few carry the result ({of_largest})"]
    return []


def _names(simulated: Features, other: Features, kind: str) -> None:
    if simulated.names != other.names or set(simulated.sets) != set(other.sets):
        message = (
            f"{kind}: reco columns are {', '.join((*other.names, *other.sets))}; those of the "
            f"simulation are {', '.join((*simulated.names, *simulated.sets))}"
        )
        raise InputError(message)


def _finite(level: Features, there: Tensor, kind: str) -> None:
    for column, name in enumerate(level.names):
        bad = there & ~level.dense[:, column].isfinite()
        if bool(bad.any()):
            row = int(bad.nonzero()[0])
            message = f"{kind}: {name} of event {row} is {float(level.dense[row, column]):g}"
            raise InputError(message)


def _constant(level: Features, there: Tensor, kind: str) -> None:
    for column, name in enumerate(level.names):
        values = level.dense[there, column]
        if bool((values == values[0]).all()):
            message = (
                f"{kind}: {name} is {float(values[0]):g} in all {len(values)} events: it tells "
                "nothing; leave it out of the observables"
            )
            raise InputError(message)


def _beyond(simulated: Features, there: Tensor, measured: Features, weight: Tensor) -> list[str]:
    """A note on columns where much is measured that is nowhere simulated."""
    notes = []
    for column, name in enumerate(simulated.names):
        values = simulated.dense[there, column]
        found = measured.dense[:, column]
        outside = (found < values.min()) | (found > values.max())
        share = float(weight[outside].sum() / weight.sum())
        if share > OUTSIDE:
            notes.append(
                f"{share:.1%} of the measured events have {name} outside of the simulated range "
                f"({float(values.min()):.6g} to {float(values.max()):.6g}): no method can place them"
            )
    return notes
