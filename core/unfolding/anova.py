"""Analysis of variance of replicas: how much is the data's statistics, how much the network's?

Fits of B resamples, each with the same S seeds, give y_bs = μ + a_b + c_s + e_bs: a comes from the
events, c from the seed alone, e from both together (a network that meets other events goes another
way). With the mean squares

    M_a = S Σ_b (ȳ_b. − ȳ)(ȳ_b. − ȳ)ᵀ / (B − 1)             expectation  E + S A
    M_c = B Σ_s (ȳ_.s − ȳ)(ȳ_.s − ȳ)ᵀ / (S − 1)             expectation  E + B C
    M_e = Σ_bs r rᵀ / ((B − 1)(S − 1)), r the residuals      expectation  E

the covariances A, C and E follow without bias (Henderson, Biometrics 9 (1953) 226, method 1). The
spread of single fits holds A + C + E: adding it to the spread of an ensemble of seeds would count
the network twice. A resample changes the result by A; one fit scatters by C + E about the mean of
many seeds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Components:
    """Covariances of q quantities, by origin, each `(q, q)`.

    Unbiased, so that variances may come out below 0 where they are small. NaN where the layout
    does not tell: `statistical` holds E too with one seed, `seed` and `interaction` are then NaN.

    Attributes:
        resamples: B.
        seeds: S.
        statistical: A, of the events.
        seed: C, of the seed alone.
        interaction: E, of both together.
        statistical_error: standard errors of the diagonal of A, `(q,)`.
        network_error: standard errors of the diagonal of C + E, `(q,)`.
    """

    resamples: int
    seeds: int
    statistical: Floats
    seed: Floats
    interaction: Floats
    statistical_error: Floats
    network_error: Floats

    @property
    def network(self) -> Floats:
        """C + E: of one fit about the mean of many seeds, `(q, q)`."""
        return np.asarray(self.seed + self.interaction)


def components(values: Floats) -> Components:
    """Splits the covariance of crossed fits.

    Args:
        values: of every fit, `(B, S, q)`, B at least 2.

    Raises:
        ConfigurationError: with fewer than two resamples.
    """
    resamples, seeds, q = values.shape
    if resamples < 2:
        message = f"replicas: {resamples} resamples tell no variance; at least 2 are needed"
        raise ConfigurationError(message)
    mean = values.mean(axis=(0, 1))
    by_resample = values.mean(axis=1) - mean
    rows = _square(by_resample) * (seeds / (resamples - 1))
    unknown = np.full((q, q), math.nan)
    if seeds < 2:
        error = np.diagonal(rows) * math.sqrt(2 / (resamples - 1))
        return Components(resamples, seeds, rows, unknown, unknown, error, np.full(q, math.nan))
    by_seed = values.mean(axis=0) - mean
    columns = _square(by_seed) * (resamples / (seeds - 1))
    rest = values - mean - by_resample[:, None, :] - by_seed[None, :, :]
    freedom = (resamples - 1) * (seeds - 1)
    residual = _square(rest.reshape(-1, q)) / freedom
    # Mean squares of normal deviates are independent, with variances 2 M²/freedom.
    of_rows, of_columns, of_rest = (np.diagonal(m) for m in (rows, columns, residual))
    statistical_error = np.sqrt(
        2 * (of_rows**2 / (resamples - 1) + of_rest**2 / freedom) / seeds**2
    )
    network_error = np.sqrt(
        2
        * (of_columns**2 / (seeds - 1) + ((resamples - 1) * of_rest) ** 2 / freedom)
        / resamples**2
    )
    return Components(
        resamples,
        seeds,
        (rows - residual) / seeds,
        (columns - residual) / resamples,
        residual,
        statistical_error,
        network_error,
    )


def spread_of_seeds(values: Floats) -> Floats:
    """C + E from seeds at the same events: the mean over resamples of their covariance, `(q, q)`.

    Args:
        values: `(B, S, q)`; B = 1 for an ensemble at the events as they are, S at least 2.
    """
    inner = values - values.mean(axis=1, keepdims=True)
    resamples, seeds, q = values.shape
    spread: Floats = _square(inner.reshape(-1, q)) / (resamples * (seeds - 1))
    return spread


def nearest_covariance(matrix: Floats) -> Floats:
    """The nearest matrix without negative variances: negative eigenvalues are set to 0."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    positive: Floats = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return positive


def _square(deviations: Floats) -> Floats:
    product: Floats = deviations.T @ deviations
    return product
