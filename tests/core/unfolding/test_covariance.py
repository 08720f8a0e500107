"""Covariances: resamples against linear propagation of errors, and how variations are added."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.unfolder import WeightFamily
from crosshook.core.unfolding.covariance import standard_errors, uncertainty
from crosshook.core.unfolding.replica_plan import ReplicaPlan
from crosshook.core.unfolding.replicas import families, run_parts
from crosshook.core.unfolding.specification import UnfolderSpec, fitted
from crosshook.core.unfolding.spectra import Binning, column, spectrum

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from crosshook.core.unfolding.inputs import Inputs

SEED = 20261122
RESAMPLES = 60
BINS = Binning("x0", (-2.0, -1.0, 0.0, 1.0, 2.0))


def test_resamples_agree_with_linear_propagation(problem: Inputs, tmp_path: Path) -> None:
    """`ibu` follows the derivative of its result through the iterations: the errors of its bins
    are those of resampled data, within five errors of a spread of 60; on average over the bins,
    which are correlated, within three.
    """
    options = {"iterations": 4, "bins": {"x0": 10, "control": 1}, "covariance": True}
    build = UnfolderSpec.of({"use": "ibu", "options": options})
    result = fitted(build, problem, SEED)
    plain = UnfolderSpec.of({"use": "ibu", "options": {**options, "covariance": False}})
    parts = run_parts(plain, problem, ReplicaPlan(RESAMPLES), SEED, folder=tmp_path)
    values = column(result.truth, "x0")

    def bins(weights: Tensor) -> np.ndarray:
        return spectrum(values, weights, BINS)

    linear = uncertainty(result.families, bins)
    nominal = {"nominal": result.families["nominal"]}
    resampled = uncertainty({**nominal, **families(parts)}, bins)
    assert linear.systematic is None
    ratio = standard_errors(resampled.data, resampled.values) / standard_errors(
        linear.data, linear.values
    )
    error = 1 / np.sqrt(2 * (RESAMPLES - 1))
    assert np.abs(ratio - 1).max() < 5 * error
    assert abs(ratio.mean() - 1) < 3 * error


def family(kind: str, columns: list[list[float]], labels: tuple[str, ...]) -> WeightFamily:
    """Weights of two rows, a list a column."""
    return WeightFamily(kind, torch.tensor(columns, dtype=torch.float64).T, labels)  # type: ignore[arg-type]


def rows(weights: Tensor) -> np.ndarray:
    """The weights themselves as quantities."""
    columns: np.ndarray = weights.T.numpy()
    return columns


def test_variations_are_added_in_quadrature() -> None:
    """Up and down of one source as the mean of their squares; a lone one in full."""
    varied = family(
        "systematic",
        [[11.0, 20.0], [7.0, 20.0], [10.0, 22.0]],
        ("scale_up", "scale_down", "tune"),
    )
    nominal = family("nominal", [[10.0, 20.0]], ("nominal",))
    found = uncertainty({"nominal": nominal, "systematic": varied}, rows)
    assert found.systematic == pytest.approx(np.diag([(1 + 9) / 2, 4.0]))
    assert found.variations["scale_down"] == pytest.approx([-3.0, 0.0])
    assert found.total == pytest.approx(found.systematic)
    assert np.isnan(standard_errors(found.data, found.values)).all()


def test_averages_of_no_seeds_are_refused() -> None:
    nominal = family("nominal", [[10.0, 20.0]], ("nominal",))
    with pytest.raises(ConfigurationError, match="averaged: 0 is below 1"):
        uncertainty({"nominal": nominal}, rows, averaged=0)
