"""Model parameters by name, as numbers or as columns of `theta` that replace them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def current(parameters: Mapping[str, float], theta: Tensor | None) -> dict[str, float | Tensor]:
    """The parameters to evaluate with.

    Args:
        parameters: built-in values by name.
        theta: `(n, c)` with one column per parameter, in the order of `parameters`, or None.

    Returns:
        Numbers, or columns `(n,)`, by name.
    """
    if theta is None:
        return dict(parameters)
    if theta.ndim != 2 or theta.shape[1] != len(parameters):
        message = (
            f"theta has shape {tuple(theta.shape)}; needed are {len(parameters)} columns: "
            f"{', '.join(parameters)}"
        )
        raise ValueError(message)
    return dict(zip(parameters, theta.unbind(1), strict=True))
