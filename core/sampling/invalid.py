"""Points with NaN or infinite weight: found, put into words, and too many of them refused.

Such a point is a defect of the integrand or of a component. It enters no sum; it is counted, the
first one is shown with its phase-space point, and above an allowed share the run stops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import NumericalError

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.sampling.sampler import Sample
    from crosshook.core.sampling.sums import Sums


def first_invalid(sample: Sample, where: str) -> str:
    """The first point with NaN or infinite weight, in words; `""` if there is none.

    Args:
        sample: a block.
        where: which one, e.g. `integrate block 3`.
    """
    bad = torch.nonzero(~torch.isfinite(sample.weight))
    if bad.numel() == 0:
        return ""
    row = int(bad[0, 0])
    momenta = None
    if sample.evaluated is not None:
        place = torch.nonzero(sample.evaluated.rows == row)
        if place.numel():
            momenta = sample.evaluated.points.momenta[int(place[0, 0])]
    return point_in_words(
        where, row, sample.weight[row], sample.channel[row], sample.u[row], momenta
    )


def point_in_words(
    where: str, row: int, weight: Tensor, channel: Tensor, u: Tensor, momenta: Tensor | None
) -> str:
    """A point of a block in words.

    Args:
        where: the block.
        row: of the point in it.
        weight: a number.
        channel: a number.
        u: `(d,)`.
        momenta: `(m, 4)` in GeV, or None where there are none.
    """
    text = (
        f"{where}, point {row}: weight {float(weight)}, "
        f"channel {int(channel)}, u = {[float(v) for v in u]}"
    )
    if momenta is not None:
        text += f", momenta (E, px, py, pz in GeV) = {momenta.tolist()}"
    return text


def check_invalid(sums: Sums, allowed: float, first: str) -> None:
    """Stops a run with too many invalid points.

    One point says nothing about a share: where any are allowed it takes two, so that a run does
    not depend on whether its only invalid point comes in the first block or a later one.

    Args:
        sums: over all points of the stage so far.
        allowed: share of them that may be invalid.
        first: the first of them in words.

    Raises:
        NumericalError: with the count and the first point.
    """
    count = int(sums.invalid.sum())
    if count > max(allowed * sums.n, 1 if allowed > 0 else 0):
        message = (
            f"{count} of {sums.n} points have NaN or infinite weight "
            f"(allowed by max_invalid_fraction: {allowed:g}); the first: {first}"
        )
        raise NumericalError(message)


def invalid_notes(sums: Sums, first: str) -> tuple[str, ...]:
    """The sentence for the report if a stage had invalid points; empty if it had none."""
    count = int(sums.invalid.sum())
    if count == 0:
        return ()
    note = f"{count} of {sums.n} points had NaN or infinite weight and were left out"
    return (f"{note}; the first: {first}",)
