"""Anti-kt jets of a few partons (0802.1189), compiled: O(m³) suffices for the legs of an event file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numba

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[Any]

compiled = numba.njit(cache=True, nogil=True, error_model="numpy")
SMALLEST: Final = 1e-200
"""Stands for zero in pT² and E - |pz|."""


@compiled
def rapidity(e: float, pz: float) -> float:
    """½ log((E + pz)/(E - pz)), large but finite along the beam."""
    small = max(e - abs(pz), SMALLEST)
    size = 0.5 * math.log((e + abs(pz)) / small) if e > 0 else 0.0
    return size if pz > 0 else -size


@compiled
def cluster(p: Floats, count: int, radius: float) -> int:
    """Merges momenta in place by the anti-kt algorithm, four-momenta added.

    Args:
        p: (E, px, py, pz) in GeV, `(>= count, 4)`; the jets come first when it is done.
        count: number of momenta.
        radius: R.

    Returns:
        The number of jets.
    """
    jets = 0
    while jets < count:
        # Rows before `jets` are done; the closest pair, or a row with the beam, is next.
        best, first, second = math.inf, jets, -1
        for i in range(jets, count):
            pt_i = max(p[i, 1] ** 2 + p[i, 2] ** 2, SMALLEST)
            if 1 / pt_i < best:
                best, first, second = 1 / pt_i, i, -1
            for j in range(i + 1, count):
                pt_j = max(p[j, 1] ** 2 + p[j, 2] ** 2, SMALLEST)
                angle = abs(math.atan2(p[i, 2], p[i, 1]) - math.atan2(p[j, 2], p[j, 1]))
                angle = min(angle, 2 * math.pi - angle)
                apart = rapidity(p[i, 0], p[i, 3]) - rapidity(p[j, 0], p[j, 3])
                distance = (apart**2 + angle**2) / (radius**2 * max(pt_i, pt_j))
                if distance < best:
                    best, first, second = distance, i, j
        for c in range(4):
            if second < 0:
                kept = p[first, c]
                p[first, c] = p[jets, c]
                p[jets, c] = kept
            else:
                p[first, c] += p[second, c]
                p[second, c] = p[count - 1, c]
        if second < 0:
            jets += 1
        else:
            count -= 1
    return jets
