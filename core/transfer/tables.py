"""Paired events out of tables: columns of truth and reconstruction in the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.errors import InputError
from crosshook.core.transfer.paired import PairedEvents
from crosshook.core.unfolding.levels import PASS_RECO, flags_of, read_level, weights_of
from crosshook.core.unfolding.sample import check_finite
from crosshook.core.unfolding.tables import read_table

if TYPE_CHECKING:
    from crosshook.core.transfer.run_file import PairedFiles


def read_paired(files: PairedFiles) -> PairedEvents:
    """The events of all files.

    Args:
        files: which, and what their columns mean.

    Raises:
        InputError: if a file cannot be read, a column is missing or holds no numbers.
    """
    table = read_table(files.files, files.tree)
    if not table.length:
        message = f"{table.name}: there are no events"
        raise InputError(message)
    truth = read_level("truth", table, files.truth, "events.truth")
    reco = read_level("reco", table, files.reco, "events.reco")
    accepted = flags_of(table, files.pass_reco, PASS_RECO, "events.pass_reco")
    weight = weights_of(table, files.weight, "events.weight")
    there = np.ones(table.length, np.bool_)
    check_finite(reco, accepted, table.place, "events.pass_reco")
    return PairedEvents(
        truth.features(files.units, there),
        reco.features(files.units, accepted),
        torch.from_numpy(accepted),
        torch.from_numpy(np.array(weight, np.float64)),
    )
