"""Trained samplers by themselves: points, densities, saving and opening, runs included."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch

import crosshook
from crosshook.core.errors import ConfigurationError, ModelError, OutputError
from crosshook.core.sampling.composition import Composition

if TYPE_CHECKING:
    from pathlib import Path


def peak(u: torch.Tensor) -> torch.Tensor:
    """A Gaussian of width 0.1 around 0.3."""
    return torch.exp(-((u - 0.3) ** 2).sum(1) / 0.02)


@pytest.fixture(scope="module")
def single() -> Any:
    """The sampler of a peak in two dimensions."""
    return crosshook.integrate(peak, dimensions=2, evaluations=20_000, points=1000).sampler


@pytest.fixture(scope="module")
def double() -> Any:
    """A sampler of two channels with unequal shares."""
    return crosshook.integrate(
        lambda u, c: peak(u) * (1 + 3 * c), dimensions=2, channels=2, evaluations=20_000
    ).sampler


def test_density_is_that_of_the_points(single: Any, double: Any) -> None:
    for sampler in (single, double):
        drawn = sampler.sample(40_000, seed=1)
        assert drawn.u.shape == (40_000, 2)
        assert drawn.values.shape == (40_000, 0)
        again = sampler.log_prob(drawn.u, drawn.channel)
        torch.testing.assert_close(again, drawn.log_prob, rtol=0, atol=1e-9)
    assert torch.unique(drawn.channel).tolist() == [0, 1]


def test_density_is_normalised(double: Any) -> None:
    """Σ_c ∫du exp(log_prob) on a grid of 1024² midpoints a channel: steps only at 64 edges."""
    line = (torch.arange(1024, dtype=torch.float64) + 0.5) / 1024
    u = torch.cartesian_prod(line, line)
    total = sum(float(double.log_prob(u, torch.full((len(u),), c)).exp().mean()) for c in range(2))
    assert total == pytest.approx(1, abs=5e-3)
    assert float(double.shares.sum()) == pytest.approx(1, abs=1e-12)


def test_the_integral_by_importance_sampling(single: Any) -> None:
    drawn = single.sample(50_000, seed=4, latents="sobol")
    weight = peak(drawn.u) / drawn.log_prob.exp()
    exact = (
        0.1
        * math.sqrt(math.pi / 2)
        * (math.erf(0.7 / 0.1 / math.sqrt(2)) + math.erf(0.3 / 0.1 / math.sqrt(2)))
    ) ** 2
    assert float(weight.mean()) == pytest.approx(exact, rel=1e-3)


def test_seeds_and_numbers(single: Any) -> None:
    many = single.sample(40_000, seed=1)
    assert torch.equal(many.u, single.sample(40_000, seed=1).u)
    assert not torch.equal(many.u, single.sample(40_000, seed=2).u)
    assert single.sample(0, seed=1).u.shape == (0, 2)
    with pytest.raises(ConfigurationError, match="n: -1 is less than 0"):
        single.sample(-1, seed=1)


def test_saved_and_opened(double: Any, tmp_path: Path) -> None:
    double.save(tmp_path / "sampler")
    opened = crosshook.open_sampler(tmp_path / "sampler")
    one, other = double.sample(5000, seed=7), opened.sample(5000, seed=7)
    assert torch.equal(one.u, other.u)
    assert torch.equal(one.log_prob, other.log_prob)
    assert opened.channels == double.channels
    found = crosshook.integrate(
        lambda u, c: peak(u) * (1 + 3 * c), dimensions=2, channels=2, sampler=opened, points=1000
    )
    assert found.evaluations.training == 0


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no sampler here: neither sampler\.json nor"):
        crosshook.open_sampler(tmp_path)


def test_damage(single: Any, tmp_path: Path) -> None:
    single.save(tmp_path / "s")
    path = tmp_path / "s" / "sampler.json"
    document = json.loads(path.read_text())
    for broken in ("{", "[]", json.dumps({**document, "format": "x"}), "{}"):
        path.write_text(broken)
        with pytest.raises(ModelError, match=r"sampler\.json: (damaged|not a sampler)"):
            crosshook.open_sampler(tmp_path / "s")
    with pytest.raises(OutputError, match="cannot be written"):
        single.save(path)


def test_wrong_points(single: Any, double: Any) -> None:
    u = torch.rand((5, 2), dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with pytest.raises(ConfigurationError, match="channel: needed, there are 2"):
        double.log_prob(u)
    with pytest.raises(ConfigurationError, match="channel: 0 to 2 are not all in 0 to 1"):
        double.log_prob(u, torch.tensor([0, 1, 2, 0, 0]))
    with pytest.raises(ConfigurationError, match=r"u: has shape \(5, 1\), not \(5, 2\)"):
        single.log_prob(u[:, :1])


def test_the_sampler_of_a_run(drell_yan: Any) -> None:
    """Points and momenta without the cross section; the density gives back the sampler's."""
    sampler = crosshook.open_sampler(drell_yan.directory.path)
    assert sampler.channels == drell_yan.process.channels
    drawn = sampler.sample(2000, seed=5)
    momenta = sampler.phase_space.forward(drawn.u, drawn.channel).momenta  # type: ignore[union-attr]
    assert momenta.shape[0] == 2000
    again = sampler.log_prob(drawn.u, drawn.channel)
    torch.testing.assert_close(again, drawn.log_prob, rtol=0, atol=1e-9)
    evaluation = drell_yan.process.evaluate(drawn.u, drawn.channel)
    alpha = evaluation.log_prior.gather(1, drawn.channel[:, None])[:, 0].exp()
    weight = evaluation.value * alpha / drawn.log_prob.exp()
    error = float(weight.std()) / math.sqrt(2000)
    sigma = drell_yan.result.integration
    assert abs(float(weight.mean()) - sigma.cross_section) < 5 * math.hypot(error, sigma.error)


@pytest.mark.parametrize("latents", ["random", "sobol", "stratified"])
def test_a_mixture_in_place_of_the_mapping(latents: Any, tmp_path: Path) -> None:
    """∫ 1/√u = 2 by points of a grid mixed with the identity: weights of the mixture's density."""
    plain = crosshook.integrate(
        lambda u: u[:, 0] ** -0.5, dimensions=1, evaluations=2000, points=1000
    ).sampler
    sampler = replace(plain, composition=Composition(shares=((0.5, 0.0, 0.5),)))
    drawn = sampler.sample(20_000, seed=3, latents=latents)
    assert drawn.u.shape == (20_000, 1)
    alone = plain.log_prob(drawn.u).exp()
    mixture = torch.log(0.5 * alone + 0.5)
    torch.testing.assert_close(drawn.log_prob, mixture, rtol=0, atol=1e-10)
    torch.testing.assert_close(sampler.log_prob(drawn.u), mixture, rtol=0, atol=1e-10)
    weight = drawn.u[:, 0] ** -0.5 / drawn.log_prob.exp()
    assert abs(float(weight.mean()) - 2) < 5 * float(weight.std()) / math.sqrt(20_000)
    sampler.save(tmp_path)
    again = crosshook.open_sampler(tmp_path)
    assert torch.equal(again.sample(100, seed=3).u, sampler.sample(100, seed=3).u)
