"""What Sobol points gain: the error of the integral against plain points of the same sampler."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

import crosshook
from sampling_contest.crosshook_sampler import as_function

if TYPE_CHECKING:
    from crosshook.core.sampling.latents import Latents
    from sampling_contest.contender import Case
    from sampling_contest.crosshook_sampler import Ours

POINTS = 100_000
REPEATS = 10


def sobol_over_random(case: Case, trained: Ours, seed: int) -> tuple[float, float]:
    """Ratio of the scatter of integrals with Sobol points to the error with plain ones.

    The scatter is that of `REPEATS` integrals of `POINTS` points, each with scrambles of its own;
    no stated error enters but that of plain points, whose own error is negligible beside it.

    Returns:
        The ratio and its error, from the number of repeats.
    """
    integrals = [_integral(case, trained, seed, i, "sobol") for i in range(REPEATS)]
    scatter = float(np.std([value for value, _ in integrals], ddof=1))
    _, error = _integral(case, trained, seed, 0, "random")
    ratio = scatter / error
    return ratio, ratio / math.sqrt(2 * (REPEATS - 1))


def _integral(
    case: Case, trained: Ours, seed: int, repeat: int, latents: Latents
) -> tuple[float, float]:
    result = crosshook.integrate(
        as_function(case),
        dimensions=case.n_dim,
        channels=len(case.channels),
        features=case.n_features,
        sampler=trained.sampler,
        points=POINTS,
        latents=latents,
        seed=1_000_000 + 1000 * seed + repeat,
    )
    return result.value, result.error
