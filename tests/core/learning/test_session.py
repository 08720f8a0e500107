"""A small session from end to end: two channels, learned weights, zeros; losses fall, bits repeat."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

import crosshook
from crosshook.core.learning import learner

SMALL: dict[str, Any] = {"use": "flow", "options": {"bins": 6, "hidden": 8}}
QUICK: dict[str, Any] = {"rounds": 3, "passes": 15, "batch": 256}
WIDTH = 0.15


def ridge(u: torch.Tensor, channel: torch.Tensor) -> Any:
    """A ridge along the diagonal seen through two maps: x and (x₀², x₁), zero in a corner."""
    first = torch.where(channel == 1, u[:, 0] ** 2, u[:, 0])
    x = torch.stack([first, u[:, 1]], dim=1)
    f = torch.exp(-0.5 * ((x[:, 0] - x[:, 1]) / WIDTH) ** 2)
    f = torch.where(x.sum(dim=1) > 1.8, torch.zeros_like(f), f)
    jacobian = torch.where(channel == 1, 2 * u[:, 0], torch.ones_like(f))
    prior = torch.stack([torch.ones_like(f), 0.5 / torch.sqrt(first)], dim=1)
    return f * jacobian, prior, x


def exact() -> float:
    """The integral by a grid; the step at the corner leaves 10⁻⁴."""
    t = (torch.arange(2000, dtype=torch.float64) + 0.5) / 2000
    x, y = t[:, None], t[None, :]
    f = torch.exp(-0.5 * ((x - y) / WIDTH) ** 2)
    return float(torch.where(x + y > 1.8, torch.zeros_like(f), f).mean())


def train(seed: int = 1, evaluations: int = 5000, **training: Any) -> Any:
    return crosshook.integrate(
        ridge,
        dimensions=2,
        channels=2,
        features=2,
        mapping=SMALL,
        weights={"use": "network", "options": {"hidden": 8}},
        training={**QUICK, **training},
        evaluations=evaluations,
        points=20_000,
        seed=seed,
    )


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learner, "FEWEST_STEPS", 150)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_integral(seed: int) -> None:
    """Flow, warm start and weights give the integral within 5 of their own errors."""
    found = train(
        seed, final_loss=None
    )  # one loss from the first step to the last, to compare them
    assert abs(found.value - exact()) < 5 * math.hypot(found.error, 1e-4)
    training = found.training
    assert training.evaluations <= 5000
    losses = training.losses["channel_mapping"]
    assert sum(losses[-20:]) < 0.7 * sum(losses[:20])
    named = {(c.name, c.weights): c for c in training.candidates}
    assert {name for name, _ in named} == {"untrained", "warm start", "learned", "chosen"}
    chosen = next(c for c in training.candidates if c.name == "chosen")
    first = next(c for c in training.candidates if c.name == "untrained")
    assert chosen.efficiency >= first.efficiency


def test_the_same_seed_gives_the_same_bits() -> None:
    one, two = train(4), train(4)
    assert one.value == two.value
    assert one.training.losses == two.training.losses
    for mine, theirs in ((one.sampler.mapping, two.sampler.mapping),):
        tensors, other = mine.state()[0], theirs.state()[0]  # type: ignore[attr-defined]
        assert all(torch.equal(t, other[name]) for name, t in tensors.items())


def test_what_was_trained_is_kept_if_nothing_is_chosen() -> None:
    found = train(1, selection=0.0)
    assert found.training.candidates == ()
    assert found.sampler.composition.shares is not None
    assert all(row[0] > 0.9 for row in found.sampler.composition.shares)


@pytest.mark.parametrize("loss", ["kl", "reverse-kl", "unweighting"])
def test_other_losses(loss: str) -> None:
    found = train(1, loss=loss)
    assert abs(found.value - exact()) < 5 * math.hypot(found.error, 1e-4)


def test_a_step_without_a_gradient_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """NaN in one step neither spoils the networks nor stays unsaid."""
    true, calls = learner.loss, iter(range(10_000))

    def sometimes(*given: Any) -> torch.Tensor:
        value = true(*given)
        return value * math.nan if next(calls) == 30 else value

    monkeypatch.setattr(learner, "loss", sometimes)
    found = train(1)
    assert "1 steps without finite gradient were left out" in found.training.notes
    assert math.isfinite(found.value)
    tensors = found.sampler.mapping.state()[0]
    assert all(bool(t.isfinite().all()) for t in tensors.values())
