"""Draws of truth for every measured event, which event-wise unfolders give, as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from crosshook.core import random
from crosshook.core.errors import InputError, NumericalError
from crosshook.core.interfaces.unfolder import Measured
from crosshook.core.unfolding.tables import COPIES, GIGA, memory
from crosshook.core.unfolding.weighted_events import columns_of, write_parquet

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.interfaces.unfolder import EventWiseUnfolder
    from crosshook.core.unfolding.inputs import Inputs

EVENT: Final = "measured_event"
"""Column of the number of the measured event, counted from 0 among those that are unfolded."""
WEIGHT: Final = "weights_posterior"
"""Column of the weights of the draws; those of an event add up to 1."""
BLOCK = 4096
"""Measured events at once."""
MEANING: Final = (
    f"truth drawn for each measured event, a row a draw: {EVENT} is its number from 0 among those "
    f"unfolded, {WEIGHT} adds up to 1 for each; for an event that has truth: weights of measured "
    "events, backgrounds and fakes are not in it"
)


def check_draws(inputs: Inputs, draws: int) -> None:
    """Refuses what memory will not hold, before anything is fitted.

    Args:
        inputs: what is unfolded.
        draws: for each measured event.

    Raises:
        InputError: with the figures.
    """
    columns, events = len(inputs.simulation.truth.names) + 2, len(inputs.measured.weight)
    needed = COPIES * events * draws * columns * np.dtype(np.float64).itemsize
    if needed > memory():
        message = (
            f"posterior.draws: {draws} for each of {events} events take some {needed / GIGA:.3g} "
            f"GB of memory, {memory() / GIGA:.3g} GB are there"
        )
        raise InputError(message)


def write_posterior(
    path: Path, unfolder: EventWiseUnfolder, measured: Measured, draws: int, seed: int
) -> None:
    """Draws truth and writes it, complete or not at all.

    Args:
        path: of the Parquet file.
        unfolder: fitted.
        measured: events to draw for.
        draws: for each.
        seed: of the run.

    Raises:
        NumericalError: if a weight is not finite.
    """
    rng = random.torch_generator(seed, "unfold/posterior")
    parts, weights = [], []
    for start in range(0, len(measured.weight), BLOCK):
        rows = slice(start, start + BLOCK)
        some = Measured(measured.reco.select(rows), measured.weight[rows])
        truth, log_weight = unfolder.posterior(some, draws, rng)
        parts.append(columns_of(truth))
        weights.append(torch.softmax(log_weight, dim=1).reshape(-1).cpu().numpy())
    weight = np.concatenate(weights)
    if not np.isfinite(weight).all():
        message = f"{int((~np.isfinite(weight)).sum())} weights of the posterior are not finite"
        raise NumericalError(message)
    write_parquet(
        path,
        {
            EVENT: np.repeat(np.arange(len(measured.weight)), draws),
            **{name: np.concatenate([np.asarray(p[name]) for p in parts]) for name in parts[0]},
            WEIGHT: weight,
        },
    )
