"""Variance components: against simulated layouts whose components are known."""

from __future__ import annotations

import numpy as np
import pytest

from crosshook.core.errors import ConfigurationError
from crosshook.core.unfolding.anova import components, nearest_covariance, spread_of_seeds

REPEATS = 2000
A, C, E = 4.0, 1.0, 0.5
CORRELATION = 0.6


def layouts(resamples: int, seeds: int) -> np.ndarray:
    """`(REPEATS, B, S, 2)`: two quantities whose parts a are correlated, c and e are not."""
    rng = np.random.default_rng(20261122)
    a = rng.multivariate_normal(
        (0, 0), A * np.array([[1, CORRELATION], [CORRELATION, 1]]), (REPEATS, resamples, 1)
    )
    c = np.sqrt(C) * rng.standard_normal((REPEATS, 1, seeds, 2))
    e = np.sqrt(E) * rng.standard_normal((REPEATS, resamples, seeds, 2))
    return 7.0 + a + c + e


@pytest.mark.parametrize(("resamples", "seeds"), [(20, 4), (5, 2)])
def test_components_are_unbiased(resamples: int, seeds: int) -> None:
    """Their means over many layouts are the variances put in, within five standard errors."""
    found = [components(layout) for layout in layouts(resamples, seeds)]
    for name, wanted in (("statistical", A), ("seed", C), ("interaction", E)):
        values = np.array([getattr(f, name)[0, 0] for f in found])
        assert abs(values.mean() - wanted) < 5 * values.std() / np.sqrt(REPEATS), name
    crossed = np.array([f.statistical[0, 1] for f in found])
    assert abs(crossed.mean() - CORRELATION * A) < 5 * crossed.std() / np.sqrt(REPEATS)


def test_errors_of_components_are_their_spread() -> None:
    """The mean stated error is the standard deviation over layouts; the error of a standard
    deviation from 2000 values of heavy tails is 4 %, that of the network, from three degrees of
    freedom, is known to 10 %.
    """
    found = [components(layout) for layout in layouts(20, 4)]
    spread = np.std([f.statistical[0, 0] for f in found])
    stated = np.sqrt(np.mean([f.statistical_error[0] ** 2 for f in found]))
    # E[M²] = M²(1 + 2/ν): the estimated error is above the true one by as much.
    assert stated == pytest.approx(spread * np.sqrt(1 + 2 / 19), rel=0.08)
    spread = np.std([f.network[0, 0] for f in found])
    stated = np.sqrt(np.mean([f.network_error[0] ** 2 for f in found]))
    assert stated == pytest.approx(spread * np.sqrt(1 + 2 / 3), rel=0.2)


def test_seeds_at_the_same_events_tell_the_network() -> None:
    """Their spread is C + E whatever the events are."""
    values = np.array([spread_of_seeds(layout)[0, 0] for layout in layouts(5, 2)])
    assert abs(values.mean() - (C + E)) < 5 * values.std() / np.sqrt(REPEATS)


def test_one_seed_leaves_the_network_unknown() -> None:
    """What comes with the events is then one: A + E."""
    values = layouts(20, 1)
    found = [components(layout) for layout in values]
    single = np.array([f.statistical[0, 0] for f in found])
    assert abs(single.mean() - (A + E)) < 5 * single.std() / np.sqrt(REPEATS)
    assert np.isnan(found[0].network).all()


def test_one_resample_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="1 resamples tell no variance"):
        components(np.zeros((1, 3, 2)))


def test_nearest_covariance_has_no_negative_variances() -> None:
    """Positive ones stay as they are."""
    good = np.array([[2.0, 0.5], [0.5, 1.0]])
    assert nearest_covariance(good) == pytest.approx(good)
    bad = nearest_covariance(np.diag([1.0, -0.2]))
    assert bad == pytest.approx(np.diag([1.0, 0.0]))
