"""Refuses values that are no finite numbers, by row and column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


def refuse_holes(name: str, what: str, columns: tuple[str, ...], rows: Tensor) -> None:
    """Checks the rows that an unfolder uses.

    Args:
        name: of the component.
        what: the rows are.
        columns: their names.
        rows: `(n, f)`.

    Raises:
        InputError: naming the first value that is not finite.
    """
    holes = torch.nonzero(~torch.isfinite(rows))
    if len(holes):
        row, column = (int(i) for i in holes[0])
        message = (
            f"{name}: {what}: row {row} of those used, column {columns[column]}: "
            f"{float(rows[row, column])}, a finite number is needed ({len(holes)} such values)"
        )
        raise InputError(message)
