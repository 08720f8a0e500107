"""`crosshook.integrate`: known integrals, every call counted, clear refusals, use without calls."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import crosshook
from crosshook.core.errors import ConfigurationError, IntegrandError, NumericalError

if TYPE_CHECKING:
    from pathlib import Path

WIDTH = 0.05


class Counted:
    """Counts the points its function is called with."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.points = 0

    def __call__(self, u: Any, *further: Any) -> Any:
        self.points += len(u)
        return self.function(u, *further)


def camel(u: torch.Tensor) -> torch.Tensor:
    """Two Gaussians on the diagonal; the integral is 1 up to tails of 10⁻¹⁰."""
    norm = 0.5 / (WIDTH * math.sqrt(2 * math.pi)) ** u.shape[1]
    humps = [torch.exp(-((u - at) ** 2).sum(1) / (2 * WIDTH**2)) for at in (1 / 3, 2 / 3)]
    return norm * (humps[0] + humps[1])


def exponential(u: torch.Tensor) -> torch.Tensor:
    """exp(-Σu), integral (1 - 1/e)^d."""
    return torch.exp(-u.sum(1))


EXACT = (1 - math.exp(-1)) ** 3


def powers(u: torch.Tensor, channel: torch.Tensor) -> Any:
    """f(x) = 1/√x + x over maps x = u² and x = u, with the densities as prior; integral 5/2."""
    x = torch.where(channel == 0, u[:, 0] ** 2, u[:, 0])
    jacobian = torch.where(channel == 0, 2 * u[:, 0], torch.ones_like(x))
    densities = torch.stack([0.5 / x.sqrt(), torch.ones_like(x)], 1)
    return (x**-0.5 + x) * jacobian, densities


@pytest.mark.parametrize("latents", ["random", "sobol", "stratified"])
def test_camel(latents: Any) -> None:
    function = Counted(camel)
    found = crosshook.integrate(
        function, dimensions=4, evaluations=40_000, points=20_000, latents=latents
    )
    assert abs(found.value - 1) < 5 * found.error
    assert found.error < 0.05
    assert found.evaluations.total == function.points <= 60_000
    assert found.evaluations.integration > 15_000
    assert found.relative_deviation < 4
    assert 0.02 < found.efficiency.value < 0.2
    assert 0 < found.efficiency.error < 0.02
    assert found.error_uncertainty == (
        0 if latents == "random" else pytest.approx(0.2673, rel=0.1)
    )
    assert found.warnings == ()
    assert str(found) == f"{found.value:.8g} ± {found.error:.2g}"


def test_sobol_halves_the_error() -> None:
    """The issue's own test: 100k points of one sampler, spread of values over 20 seeds.

    The spread of 20 values is known to 16 %; their ratio to 23 %. On this sampler nets win by much
    more than the factor 2 asked for.
    """
    trained = crosshook.integrate(camel, dimensions=4, points=1000).sampler
    spread = {}
    for latents in ("random", "sobol"):
        found = [
            crosshook.integrate(
                camel, dimensions=4, sampler=trained, seed=seed, points=32_768, latents=latents
            )
            for seed in range(20)
        ]
        spread[latents] = np.std([f.value for f in found], ddof=1)
        stated = math.sqrt(np.mean([f.error**2 for f in found]))
        assert stated == pytest.approx(spread[latents], rel=4 * 0.17)
    assert spread["sobol"] < 0.5 * spread["random"]


@pytest.mark.parametrize("latents", ["random", "sobol", "stratified"])
def test_pulls(latents: Any) -> None:
    """100 seeds: mean 0 and mean square that of a t distribution with R - 1 = 7 (or ∞) degrees.

    Mean square 7/5 with the standard deviation 7/5·√((κ - 1)/100), κ = 3 + 6/3: 0.28.
    """
    trained = crosshook.integrate(powers, dimensions=1, channels=2, points=1000).sampler
    pulls = []
    for seed in range(100):
        found = crosshook.integrate(
            powers,
            dimensions=1,
            channels=2,
            sampler=trained,
            seed=seed,
            points=2048,
            latents=latents,
        )
        pulls.append((found.value - 2.5) / found.error)
    expected, spread = (1.0, math.sqrt(2 / 100)) if latents == "random" else (1.4, 0.28)
    assert abs(np.mean(pulls)) < 4.5 * math.sqrt(expected / 100)
    assert abs(np.mean(np.square(pulls)) - expected) < 4.5 * spread


def test_channels() -> None:
    found = crosshook.integrate(
        powers, dimensions=1, channels=["root", "flat"], evaluations=5000, points=20_000
    )
    assert [c.name for c in found.channels] == ["root", "flat"]
    assert abs(found.value - 2.5) < 5 * found.error
    # Each channel's part is ∫ α_c f dx, by hand: α_0 = 1/(1 + 2√x).
    x = (np.arange(2_000_000) + 0.5) / 2_000_000
    part = float(np.mean((x**-0.5 + x) / (1 + 2 * np.sqrt(x))))
    assert abs(found.channels[0].estimate - part) < 5 * found.channels[0].error + 1e-3


def test_numpy() -> None:
    found = crosshook.integrate(
        lambda u: np.exp(-u.sum(axis=1)),
        dimensions=3,
        backend="numpy",
        evaluations=5000,
        points=5000,
    )
    same = crosshook.integrate(exponential, dimensions=3, evaluations=5000, points=5000)
    assert found.value == pytest.approx(same.value, rel=1e-12)
    assert abs(found.value - EXACT) < 5 * found.error


@pytest.mark.parametrize("mapping", ["uniform", "vegas", "flow"])
def test_discrete_values_are_summed(mapping: str) -> None:
    """Σ_ij (1 + i + 10·j)·∫ 2x dx for i < 3, j < 2: 42."""

    def function(u: Any, values: Any) -> Any:
        return (1.0 + values[:, 0] + 10 * values[:, 1]) * 2 * u[:, 0]

    found = crosshook.integrate(
        function,
        dimensions=1,
        discrete=(3, 2),
        mapping=mapping,
        evaluations=6_000,
        points=20_000,
        latents="sobol",
    )
    assert abs(found.value - 42) < 5 * found.error
    drawn = found.sampler.sample(1000, seed=3)
    assert drawn.u.shape == (1000, 1)
    assert drawn.values.shape == (1000, 2)
    estimate = function(drawn.u, drawn.values) / drawn.log_prob.exp()
    assert abs(float(estimate.mean()) - 42) < 5 * float(estimate.std()) / math.sqrt(1000)
    again = found.sampler.log_prob(drawn.u, values=drawn.values)
    torch.testing.assert_close(again, drawn.log_prob, rtol=0, atol=1e-12)


def test_signs_zeros_and_constants() -> None:
    signs = crosshook.integrate(
        lambda u: torch.cos(2 * math.pi * u[:, 0]) - 0.5, dimensions=2, evaluations=5000
    )
    assert abs(signs.value + 0.5) < 5 * signs.error
    assert signs.negative_share > 0.5
    ball = crosshook.integrate(
        lambda u: ((u**2).sum(1) < 1).double(), dimensions=3, evaluations=5000
    )
    assert abs(ball.value - math.pi / 6) < 5 * ball.error
    assert 0.5 < ball.nonzero < 1
    constant = crosshook.integrate(
        lambda u: torch.full_like(u[:, 0], 3.0), dimensions=2, mapping="uniform", latents="sobol"
    )
    assert constant.value == pytest.approx(3, rel=1e-12)
    assert constant.error < 1e-12
    nothing = crosshook.integrate(lambda u: 0 * u[:, 0], dimensions=2, evaluations=5000)
    assert (nothing.value, nothing.error) == (0, 0)


def test_a_sampler_is_used_again() -> None:
    function = Counted(camel)
    first = crosshook.integrate(function, dimensions=4, evaluations=20_000, points=5000)
    before = function.points
    second = crosshook.integrate(
        function, dimensions=4, sampler=first.sampler, points=5000, seed=2
    )
    assert second.training.skipped
    assert function.points - before == second.evaluations.total == 5000
    assert abs(second.value - 1) < 5 * second.error
    assert second.value != first.value
    edges = first.sampler.mapping.edges.clone()  # type: ignore[attr-defined]
    more = crosshook.integrate(
        function, dimensions=4, sampler=first.sampler, evaluations=20_000, points=5000
    )
    assert more.evaluations.training > 0
    assert torch.equal(edges, first.sampler.mapping.edges)  # type: ignore[attr-defined]
    assert not torch.equal(edges, more.sampler.mapping.edges)  # type: ignore[attr-defined]


def test_repeats_bit_by_bit() -> None:
    state = torch.get_rng_state()
    runs = [
        crosshook.integrate(camel, dimensions=2, evaluations=5000, points=5000, latents="sobol")
        for _ in range(2)
    ]
    assert runs[0].running == runs[1].running
    assert torch.equal(state, torch.get_rng_state())


def test_stops_at_the_relative_error() -> None:
    found = crosshook.integrate(
        exponential, dimensions=3, points=400_000, evaluations=5000, relative_error=0.01
    )
    assert found.evaluations.integration < 50_000
    assert found.error <= 0.01 * found.value


def test_nan_is_counted_or_refused() -> None:
    def function(u: torch.Tensor) -> torch.Tensor:
        return torch.where(u[:, 0] < 1e-3, torch.nan, u[:, 0])

    arguments: dict[str, Any] = {"dimensions": 1, "mapping": "uniform", "points": 20_000}
    found = crosshook.integrate(function, **arguments, max_invalid_fraction=0.01)
    assert 5 < found.invalid < 50
    assert len(found.warnings) == 1
    assert f"{found.invalid} of 20000 points had NaN" in found.warnings[0]
    with pytest.raises(NumericalError, match=r"points have NaN or infinite weight.* u = \["):
        crosshook.integrate(function, **arguments)
    with pytest.raises(NumericalError, match="weight inf"):
        crosshook.integrate(lambda u: 1 / (0 * u[:, 0]), dimensions=1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"points": 1}, "points: 1 is less than 2"),
        ({"points": 1e5}, "points: 100000.0 is a float, not an integer"),
        ({"evaluations": -1}, "evaluations: -1 is less than 0"),
        ({"seed": -1}, "seed: -1 is less than 0"),
        ({"block_size": -5}, "block_size: -5 is less than 1"),
        ({"latents": "halton"}, "latents: 'halton' is not one of random, sobol, stratified"),
        ({"latents": "sobol", "points": 7}, "7 points are too few for 8 independent replicas"),
        ({"channels": "ab"}, "channels: 'ab' is one name; give a number or a list of names"),
        ({"channels": 0}, "at least one"),
        ({"device": "moon"}, "device: 'moon' cannot be used here"),
        ({"mapping": {"use": "vegas", "options": {"bin": 3}}}, "did you mean bins"),
    ],
)
def test_bad_arguments(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        crosshook.integrate(exponential, **{"dimensions": 2, "evaluations": 1000, **changes})


def test_bad_function() -> None:
    with pytest.raises(IntegrandError, match=r"integrand: value has shape \(.*, 1\), not"):
        crosshook.integrate(lambda u: u[:, :1], dimensions=2)


def test_a_sampler_of_another_shape() -> None:
    sampler = crosshook.integrate(exponential, dimensions=2, evaluations=1000).sampler
    with pytest.raises(ConfigurationError, match=r"sampler: trained for .*'dimensions': 2"):
        crosshook.integrate(exponential, dimensions=3, sampler=sampler)
    with pytest.raises(ConfigurationError, match="sampler: brings mapping and weights"):
        crosshook.integrate(exponential, dimensions=2, sampler=sampler, mapping="vegas")


def test_a_result_as_json() -> None:
    found = crosshook.integrate(exponential, dimensions=2, evaluations=1000, points=1000)
    document = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert document["value"] == found.value
    assert document["evaluations"] == {"training": 1000, "integration": 1000}
    assert "sampler" not in document


@pytest.mark.parametrize("latents", ["random", "sobol", "stratified"])
def test_every_tensor_names_its_device(latents: Any, tmp_path: Path) -> None:
    """With a default device that computes nothing, forgotten devices fail."""

    def function(u: torch.Tensor, channel: torch.Tensor, values: torch.Tensor) -> Any:
        prior = torch.stack([u[:, 0], 1 - u[:, 0]], 1)
        return exponential(u) * (1.0 + values[:, 0]), prior

    torch.set_default_device("meta")
    try:
        found = crosshook.integrate(
            function,
            dimensions=3,
            channels=2,
            discrete=[2],
            evaluations=2000,
            points=4000,
            latents=latents,
        )
        drawn = found.sampler.sample(100, seed=1, latents=latents)
        again = found.sampler.log_prob(drawn.u, drawn.channel, drawn.values)
        found.sampler.save(tmp_path)
        opened = crosshook.open_sampler(tmp_path).sample(100, seed=1, latents=latents)
    finally:
        torch.set_default_device(None)
    assert abs(found.value - 3 * EXACT) < 5 * found.error
    torch.testing.assert_close(again, drawn.log_prob, rtol=0, atol=1e-9)
    assert torch.equal(opened.u, drawn.u)


def test_a_sampler_that_lost_a_peak_is_not_sure_of_itself() -> None:
    """Channel `broad` cannot reach the narrow peak that its weights claim."""

    def function(u: torch.Tensor, channel: torch.Tensor) -> Any:
        x = torch.where(channel == 0, 0.5 * u[:, 0], u[:, 0])
        value = 1.0 + 200.0 * (torch.abs(x - 0.75) < 0.01)
        jacobian = torch.where(channel == 0, 0.5, 1.0).double()
        return value * jacobian, torch.ones((len(u), 2), dtype=torch.float64)

    found = crosshook.integrate(function, dimensions=1, channels=["broad", "all"], points=20_000)
    assert any("channels disagree" in warning for warning in found.warnings)
    assert found.agreement is not None
