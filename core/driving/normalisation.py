"""What weights of a batch have to be multiplied by so that their mean over its points is σ in pb."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Final

from crosshook.core.cross_section import CrossSection, cross_section
from crosshook.core.errors import InputError
from crosshook.core.interfaces.generator import SEED_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.cross_section import WeightSums
    from crosshook.core.events.run_info import RunInfo

EQUAL: Final = 1e-6
"""Relative spread up to which weights are the same: their printed digits."""


def batch_scale(
    info: RunInfo, sums: WeightSums, reference: float | None, where: object
) -> tuple[float, CrossSection]:
    """The scale of a batch with its cross section.

    Events of one weight get the same weight in every batch: by how much the batches' own σ differ
    must not make overweights of whole batches. σ of the run counts every batch by its points.

    Args:
        info: what the batch's file says.
        sums: over its events as written.
        reference: σ of the first batch in pb, None for that batch itself.
        where: the file, for messages.

    Raises:
        InputError: if the file does not tell σ.
    """
    found = cross_section(info, sums)
    if found.value is None or not sums.mean or not math.isfinite(found.value):
        message = f"{where}: {sums.events} events, Σ|w| = {sums.absolute}: no cross section"
        raise InputError(message)
    if found.rule == "trials":
        return 1.0, found
    scale = found.value / sums.mean
    if reference is not None and sums.largest - sums.smallest <= EQUAL * sums.largest:
        scale *= reference / found.value
    return scale, found


def combined(parts: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """σ and its error from those of batches, each counted by its points.

    Args:
        parts: points, σ and its error in pb of each batch.
    """
    points = sum(n for n, _, _ in parts)
    value = sum(n * sigma for n, sigma, _ in parts) / points
    return value, math.hypot(*(n * error for n, _, error in parts)) / points


def batch_seed(seed: int, number: int) -> int:
    """The program's seed for a batch, 1 to `SEED_MAX`; number -1 is for what comes before them."""
    digest = hashlib.sha256(f"{seed}/generator/{number}".encode()).digest()
    return int.from_bytes(digest[:8], "little") % SEED_MAX + 1
