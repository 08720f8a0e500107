"""Errors from independent replicas: the spread of blocks, whatever the points of a block share.

With T_cb the sum over the n_cb points of channel c in block b, the estimate m_c = Σ_b T_cb/Σ_b n_cb
has the variance R/(R - 1) · Σ_b ((T_cb - m_c n_cb)/Σ_b n_cb)², R the number of blocks (W. G.
Cochran, Sampling Techniques, ratio estimators); channels are independent of each other. The error
has itself the relative error 1/√(2(R - 1)).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

FEWEST_REPLICAS = 8
"""Blocks needed before their spread counts as an error: then it is known to 27 %."""


def replica_errors(totals: Floats, counts: Counts) -> Floats:
    """Standard errors of Σ_b T_b / Σ_b n_b.

    Args:
        totals: T, `(R, k, ...)`.
        counts: n, `(R, k)`.

    Returns:
        Errors, `(k, ...)`; NaN for fewer than two blocks.
    """
    replicas = totals.shape[0]
    if replicas < 2:
        return np.full(totals.shape[1:], math.nan)
    n = counts.reshape(*counts.shape, *[1] * (totals.ndim - 2)).astype(np.float64)
    every = np.maximum(n.sum(axis=0), 1.0)
    residual = (totals - totals.sum(axis=0) / every * n) / every
    errors: Floats = np.sqrt(replicas / (replicas - 1) * (residual**2).sum(axis=0))
    return errors


def error_of_error(replicas: int) -> float:
    """Relative standard error of an error from so many replicas."""
    return 1.0 / math.sqrt(2.0 * (replicas - 1)) if replicas > 1 else math.inf


def replica_size(points: int, largest: int, where: str) -> int:
    """Points of a block, so that there are enough blocks: a power of two, which nets like.

    Args:
        points: in all.
        largest: allowed in a block.
        where: who asked, for the message.

    Raises:
        ConfigurationError: if there are too few points for `FEWEST_REPLICAS` blocks.
    """
    size = min(points // FEWEST_REPLICAS, largest)
    if size < 1:
        message = (
            f"{where}: {points} points are too few for {FEWEST_REPLICAS} independent replicas"
        )
        raise ConfigurationError(message)
    return 1 << (size.bit_length() - 1)
