"""The figures every contender is judged by, on fresh points.

With v = α·f/q the weights of a stratum without its share, m_c and s_c their mean and standard
deviation in stratum c, and I = Σ_c m_c:

    rsd = Σ_c s_c / |I|: the relative standard deviation of an estimate, times √n, when strata are
        drawn in proportion to s_c, the best shares; for one stratum that of the weights
    ε(0.1 %): strata drawn in proportion to their maxima, see crosshook.core.statistics
    mean/max = Σ_c m_c / Σ_c max_c
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.statistics import efficiency

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sampling_contest.contender import Case, Trained

BLOCK = 16384
RESAMPLES = 10


@dataclass(frozen=True)
class Fresh:
    """Weights of fresh points.

    Attributes:
        weights: v of each stratum.
        seconds: CPU time of drawing them, integrand and channel weights not counted.
    """

    weights: list[NDArray[np.float64]]
    seconds: float

    @property
    def points(self) -> int:
        """All points."""
        return sum(w.size for w in self.weights)


def draw_fresh(case: Case, trained: Trained, points: int, seed: int) -> Fresh:
    """Draws points in equal numbers from every stratum."""
    each = -(-points // trained.strata)
    weights, seconds = [], 0.0
    for stratum in range(trained.strata):
        found = []
        for block, first in enumerate(range(0, each, BLOCK)):
            n = min(BLOCK, each - first)
            start = time.process_time()
            with torch.no_grad():
                drawn = trained.draw(n, stratum, hash_seed(seed, stratum, block))
            seconds += time.process_time() - start
            with torch.no_grad():
                evaluation = case.evaluate(drawn.u, drawn.channel)
                log_alpha = trained.log_alpha(drawn, evaluation, stratum)
                factor = torch.exp(log_alpha - drawn.log_q)
                value = evaluation.value
                found.append(torch.where(value == 0, value, value * factor).numpy())
        weights.append(np.concatenate(found))
    return Fresh(weights, seconds)


def hash_seed(seed: int, stratum: int, block: int) -> int:
    """A seed for each block that training seeds do not meet."""
    return int(np.random.SeedSequence([seed, 20261122, stratum, block]).generate_state(1)[0])


def judge(fresh: Fresh, seed: int) -> dict[str, tuple[float, float]]:
    """Figures and their errors by metric.

    Returns:
        `rsd`, `eff_0.1pct`, `mean_over_max` (which depends on the number of points and has no
        error of its own), `integral` and `us_per_point`.
    """
    rng = np.random.default_rng([seed, 20261123])
    kept = efficiency(fresh.weights, resamples=RESAMPLES, rng=rng)
    integral = sum(float(w.mean()) for w in fresh.weights)
    error = math.sqrt(sum(float(w.var(ddof=1)) / w.size for w in fresh.weights))
    largest = sum(float(np.abs(w).max()) for w in fresh.weights)
    return {
        "rsd": (_rsd(fresh.weights), _rsd_error(fresh.weights)),
        "eff_0.1pct": (kept.value, kept.error),
        "mean_over_max": (sum(float(np.abs(w).mean()) for w in fresh.weights) / largest, 0.0),
        "integral": (integral, error),
        "us_per_point": (fresh.seconds / fresh.points * 1e6, 0.0),
    }


def _rsd(weights: list[NDArray[np.float64]]) -> float:
    spread = sum(float(w.std(ddof=1)) for w in weights)
    return spread / abs(sum(float(w.mean()) for w in weights))


def _rsd_error(weights: list[NDArray[np.float64]]) -> float:
    """From 10 disjoint parts of the points; a lower bound where the weights have heavy tails."""
    parts = [[w[i::RESAMPLES] for w in weights] for i in range(RESAMPLES)]
    return float(np.std([_rsd(part) for part in parts], ddof=1)) / math.sqrt(RESAMPLES)
