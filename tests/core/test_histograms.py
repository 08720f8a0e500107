"""Weighted histograms against numpy's, with errors from the definition; automatic ranges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from crosshook.core.config import HistogramSpec
from crosshook.core.errors import ConfigurationError
from crosshook.core.histograms import expression, fill_sample, finish, standard_set
from crosshook.core.integrate import block_sums

MASS = HistogramSpec("mass", "m", 7, 80.0, 100.0, "m", "GeV")


@pytest.fixture
def sample(drell_yan: Any) -> Any:
    """2000 weighted points of Drell-Yan, a third of them cut."""
    return drell_yan.spec.sampler().draw(1, "test", 0, 2000, drell_yan.frozen.shares)


def _values(sample: Any) -> np.ndarray:
    """The mass of every point, NaN where it was cut."""
    value = np.full(len(sample.weight), np.nan)
    p = sample.evaluated.points.momenta[:, 2:].sum(1).numpy()
    value[sample.evaluated.rows.numpy()] = np.sqrt(p[:, 0] ** 2 - np.sum(p[:, 1:] ** 2, axis=1))
    return value


def test_values_and_errors(sample: Any, drell_yan: Any) -> None:
    """Bin b: Σ_c mean_c(v in b), var = Σ_c s_c²/n_c with the points outside b as zeros."""
    filled = fill_sample(MASS, sample, drell_yan.process)
    found = finish(MASS, filled, block_sums(sample, 2))
    edges = np.linspace(80.0, 100.0, 8)
    np.testing.assert_allclose(found.edges, edges)
    value, weight = _values(sample), sample.weight.numpy()
    channel = sample.channel.numpy()
    for b in range(7):
        inside = np.where((value >= edges[b]) & (value < edges[b + 1]), weight, 0.0)
        groups = [inside[channel == c] for c in range(2)]
        assert found.values[b] == pytest.approx(sum(g.mean() for g in groups), rel=1e-9)
        variance = sum(g.var(ddof=1) / g.size for g in groups)
        assert found.errors[b] == pytest.approx(np.sqrt(variance), rel=1e-9)
    low = [np.where(value < 80.0, weight, 0.0)[channel == c].mean() for c in range(2)]
    assert found.underflow == pytest.approx(sum(low), rel=1e-9)
    total = sum(found.values) + found.underflow + found.overflow
    assert total == pytest.approx(block_sums(sample, 2).estimate().value, rel=1e-12)


def test_blocks_add_up(drell_yan: Any) -> None:
    sampler, shares = drell_yan.spec.sampler(), drell_yan.frozen.shares
    samples = [sampler.draw(1, "test", b, 300, shares) for b in range(2)]
    filled = [fill_sample(MASS, s, drell_yan.process) for s in samples]
    sums = [block_sums(s, 2) for s in samples]
    both = finish(MASS, filled[0] + filled[1], sums[0] + sums[1])
    whole = sum(both.values) + both.underflow + both.overflow
    assert whole == pytest.approx((sums[0] + sums[1]).estimate().value, rel=1e-12)


def test_not_a_number_goes_to_overflow(sample: Any, drell_yan: Any) -> None:
    spec = replace(MASS, observable="log(0 - m)")
    found = finish(spec, fill_sample(spec, sample, drell_yan.process), block_sums(sample, 2))
    assert set(found.values) == {0.0}
    assert found.underflow == 0.0
    assert found.overflow == pytest.approx(block_sums(sample, 2).estimate().value, rel=1e-12)
    infinite = replace(MASS, observable="0 - exp(exp(m))")
    found = finish(
        infinite, fill_sample(infinite, sample, drell_yan.process), block_sums(sample, 2)
    )
    assert found.underflow == pytest.approx(block_sums(sample, 2).estimate().value, rel=1e-12)


def test_invalid_weights_are_left_out(sample: Any, drell_yan: Any) -> None:
    weight = sample.weight.clone()
    weight[torch.nonzero(weight)[0]] = torch.nan
    broken = replace(sample, weight=weight)
    found = finish(MASS, fill_sample(MASS, broken, drell_yan.process), block_sums(broken, 2))
    assert np.isfinite(found.values).all()
    total = sum(found.values) + found.underflow + found.overflow
    assert total == pytest.approx(block_sums(broken, 2).estimate().value, rel=1e-12)


def test_observables_are_checked_against_the_process(drell_yan: Any) -> None:
    for text, reason in (
        ("pt[2]", "no final-state leg 2"),
        ("m > 3", "a condition, where a quantity is needed"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            expression(replace(MASS, observable=text), drell_yan.process)
        assert str(caught.value).startswith("integrate.histograms.mass.observable: ")
        assert reason in str(caught.value)


def test_the_standard_set(sample: Any, drell_yan: Any) -> None:
    """p_T, once for two legs, y, its difference and the mass, over ranges that hold 99 % of the weight."""
    made = standard_set(drell_yan.process, sample)
    assert [h.observable for h in made] == ["pt[0]", "y[0]", "y[1]", "y[0] - y[1]", "m"]
    assert len({h.name for h in made}) == 5
    assert all(h.bins == 40 for h in made)
    assert made[0].label == "$p_T(e^{-})$"
    sums = block_sums(sample, 2)
    for spec in made:
        found = finish(spec, fill_sample(spec, sample, drell_yan.process), sums)
        # The limits hold 99 % of Σ v; shares weigh the channels a little differently here.
        assert sum(found.values) > 0.97 * sums.estimate().value
    assert made[0].low == 0.0
    assert made[-1].low >= 60.0


def test_the_standard_set_of_nothing(sample: Any, drell_yan: Any) -> None:
    none = replace(sample, weight=torch.zeros_like(sample.weight))
    for spec in standard_set(drell_yan.process, none):
        assert (spec.low, spec.high) == (0.0, 1.0)


def test_the_range_of_a_constant(finished: Any) -> None:
    """Fixed beams have one mass: the axis is of width 1 around it."""
    sampler = finished.spec.sampler()
    sample = sampler.draw(1, "test", 0, 500, finished.frozen.shares)
    mass = standard_set(finished.process, sample)[-1]
    if finished.process.density is None:
        assert mass.high - mass.low == pytest.approx(1.0)
        place = (1000.0 - mass.low) * mass.bins  # in bins, off their edges
        assert place % 1 == pytest.approx(0.5)
    assert mass.low < mass.high
