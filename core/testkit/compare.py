"""Comparisons that name the worst row, because a maximum alone helps nobody find a defect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.testkit.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


MANY = 4
"""Rows that a finding shows."""
NUMBERS = 24
"""Numbers of a row that a finding shows: the momenta of six legs."""
A_ROW = "row "
"""How a row of the inputs begins."""


def show_row(inputs: Mapping[str, Tensor], row: int) -> str:
    """One row of the inputs, for a finding.

    Args:
        inputs: tensors whose first axis counts rows.
        row: which one.
    """
    parts = (f"{name}={_listed(value[row])}" for name, value in inputs.items())
    return f"{A_ROW}{row}: {'; '.join(parts)}"


def show_rows(inputs: Mapping[str, Tensor]) -> str:
    """A few rows of inputs, for a finding."""
    parts = []
    for name, value in inputs.items():
        rows = [_listed(row) for row in value[:MANY]]
        if len(value) > MANY:
            rows.append("…")
        parts.append(f"{name}={rows[0]}" if len(rows) == 1 else f"{name}=[{', '.join(rows)}]")
    return "; ".join(parts)


def _listed(values: Tensor) -> str:
    every = values.detach().reshape(-1).tolist()
    shown = ", ".join(_digits(v) for v in every[:NUMBERS])
    return f"[{shown}{', …' if len(every) > NUMBERS else ''}]"


def _digits(value: float) -> str:
    """As many digits as give the number back, and no more."""
    short = f"{value:.15g}"
    return short if float(short) == value else f"{value:.17g}"


def first_row(bad: Tensor) -> int:
    """Number of the first row in which anything is bad; -1 if none."""
    if bad.numel() == 0:
        return -1
    rows = bad.reshape(bad.shape[0], -1).any(dim=1).nonzero()
    return int(rows[0]) if len(rows) else -1


def difference(a: Tensor, b: Tensor) -> Tensor:
    """|a − b| with equal infinities at distance 0 and anything else not finite at infinity."""
    distance = (a - b).abs()
    distance = torch.where(a == b, torch.zeros_like(distance), distance)
    return torch.where(distance.isnan(), torch.full_like(distance, torch.inf), distance)


def disagreement(
    what: str,
    got: Tensor,
    wanted: Tensor,
    tolerance: float | Tensor,
    case: str,
    inputs: Mapping[str, Tensor],
) -> Finding | None:
    """A finding on the worst row in which two tensors differ by more than a tolerance.

    Args:
        what: the two sides in words, e.g. `log_det and log|∂u/∂r| by autograd`.
        got: the component's side, `(n, ...)`.
        wanted: the other side.
        tolerance: absolute; a number, or one per element.
        case: for the finding.
        inputs: for the finding.
    """
    if got.shape != wanted.shape:
        return Finding(f"{what}: shape {tuple(got.shape)} against {tuple(wanted.shape)}", case)
    if got.numel() == 0:
        return None
    # What learns returns tensors with gradients; the figures of a finding have none.
    got, wanted = got.detach(), wanted.detach()
    excess = (difference(got, wanted) - tolerance).reshape(got.shape[0], -1).amax(dim=1)
    row = int(excess.argmax())
    if not bool(excess[row] > 0):
        return None
    distance = difference(got, wanted)
    worst = float(distance[row].max())
    place = int(distance[row].reshape(-1).argmax())
    left = float(got[row].reshape(-1)[place])
    right = float(wanted[row].reshape(-1)[place])
    share = float((excess > 0).double().mean())
    return Finding(
        f"{what} differ by {worst:.3g} ({left:.10g} against {right:.10g}) "
        f"in {share:.1%} of the rows",
        case,
        show_row(inputs, row),
        {"difference": worst, "share": share, "got": left, "wanted": right},
    )
