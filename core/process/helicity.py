"""Helicity states as a discrete dimension of the integrand, where amplitudes offer it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from crosshook.core.interfaces.matrix_element import HelicitySampling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.interfaces.matrix_element import (
        HelicityState,
        MatrixElement,
        SquaredAmplitude,
    )


def sampled_states(element: MatrixElement) -> tuple[HelicityState, ...]:
    """The states to sample; none where they are summed."""
    return element.helicities if isinstance(element, HelicitySampling) else ()


def squared_of(
    element: MatrixElement,
    momenta: Tensor,
    subprocess: int,
    alpha_s: Tensor,
    helicity: Tensor | None,
    want: Sequence[str] = (),
) -> SquaredAmplitude:
    """|M|² summed over helicities; where they are sampled, that of one state times their number.

    Args:
        element: the amplitudes. Those that cannot sample, as a surrogate's, are summed.
        momenta: `(n, m, 4)` in GeV, in the order of the subprocess's legs.
        subprocess: index into its subprocesses.
        alpha_s: strong coupling, `(n,)`.
        helicity: the state of each point, `(n,)` int64, or None.
        want: further results.
    """
    states = sampled_states(element)
    if helicity is None or not isinstance(element, HelicitySampling) or not states:
        return element.squared(momenta, subprocess, alpha_s, want=want)
    found = element.of_helicity(momenta, subprocess, alpha_s, helicity, want)
    return replace(found, value=found.value * len(states))
