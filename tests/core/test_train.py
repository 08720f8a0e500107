"""Training through the stage: when it is skipped, what it reports, and NaN on the way."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from crosshook.core.component import Capabilities, Component, Slot
from crosshook.core.entry_points import Plugin, find_plugins
from crosshook.core.errors import ConfigurationError, NumericalError, RegistryError
from crosshook.core.interfaces.training import FitReport
from crosshook.core.progress import Silent
from crosshook.core.registry import Registry, default_registry
from crosshook.core.sampling.build import build_context, build_sampler
from crosshook.core.statistics import chi_squared
from crosshook.core.train import TrainingPlan, plan_training, train


def _plan(config: Any) -> TrainingPlan:
    return TrainingPlan(
        {"channel_mapping": config.channel_mapping, "channel_weights": config.channel_weights},
        config.train_evaluations,
        config.training,
        config.groups,
        config.seed,
        config.max_invalid_fraction,
    )


def _train(of: Any, sampler: Any = None, **changes: Any) -> Any:
    registry = changes.pop("registry", default_registry())
    config = replace(of.config, **changes)
    plan = _plan(config)
    if sampler is None:
        composition = plan.composition(registry)
        sampler = build_sampler(config, of.process, registry, {}, composition)
    context = build_context(config, of.process, Silent())
    heard: list[Any] = []
    result, shares = train(plan, sampler, context, registry, heard.append)
    return result, shares, heard, sampler


def test_what_it_reports(drell_yan: Any) -> None:
    result, shares, heard, sampler = _train(drell_yan)
    assert result.evaluations == 4000
    assert not result.skipped
    assert list(result.iterations) == heard
    assert [i.evaluations for i in heard] == [400] * 10
    expected = chi_squared(
        np.array([i.estimate for i in heard]), np.array([i.error for i in heard])
    )
    assert (result.chi_squared, result.degrees_of_freedom) == expected
    assert float(shares.sum()) == pytest.approx(1.0)
    assert not torch.equal(shares, torch.full_like(shares, 0.5))
    assert result.notes == ()
    assert (sampler.mapping.edges.diff(dim=2) > 0).all()


def test_the_same_seed_trains_the_same(drell_yan: Any) -> None:
    one, two, other = _train(drell_yan), _train(drell_yan), _train(drell_yan, seed=5)
    assert torch.equal(one[3].mapping.edges, two[3].mapping.edges)
    assert one[0].iterations == two[0].iterations
    assert not torch.equal(one[3].mapping.edges, other[3].mapping.edges)


def test_what_skips_it(drell_yan: Any) -> None:
    saved = str(drell_yan.directory.model("channel_mapping"))
    options = drell_yan.config.channel_mapping.options
    for changes, note in (
        ({"channel_mapping": Slot("uniform")}, "uniform needs no training"),
        ({"channel_mapping": Slot("vegas", options, saved)}, "saved model"),
        ({"train_evaluations": 0}, "untrained: sampling.evaluations is 0"),
    ):
        result, shares, heard, _ = _train(drell_yan, **changes)
        assert result.skipped
        assert result.notes == (note,)
        assert (result.evaluations, result.iterations, heard) == (0, (), [])
        assert shares.tolist() == [0.5, 0.5]


def test_a_saved_model_trains_on_if_told(drell_yan: Any) -> None:
    saved = str(drell_yan.directory.model("channel_mapping"))
    slot = Slot("vegas", drell_yan.config.channel_mapping.options, saved, {})
    result, _, _, _ = _train(drell_yan, channel_mapping=slot)
    assert not result.skipped
    assert result.evaluations == 4000


class Fitted:
    """SometimesNan with a training of its own."""

    def __init__(self, broken: Any) -> None:
        self.forward, self.fit = broken.forward, broken.inner.fit


def test_few_invalid_points_are_told(drell_yan: Any, broken_spec: Any) -> None:
    sampler = broken_spec(drell_yan, 0.1).sampler()
    fresh = build_sampler(drell_yan.config, drell_yan.process, default_registry(), {})
    sampler.mapping.inner = fresh.mapping
    sampler.mapping = Fitted(sampler.mapping)
    result, _, _, _ = _train(drell_yan, sampler, max_invalid_fraction=0.1)
    (note,) = result.notes
    assert "of 4000 points had NaN or infinite weight and were left out; the first: train" in note
    assert "momenta (E, px, py, pz in GeV)" in note
    with pytest.raises(NumericalError, match=r"the first: train draw 0, point .* momenta"):
        _train(drell_yan, sampler, max_invalid_fraction=1e-3)


NAME = "crosshook_learners"
LEARNS = Capabilities(trainable=True, stateful=True)


class Power:
    """u = r^p in every dimension of every channel, p trained by gradients of the variance."""

    def __init__(self, rng: torch.Generator) -> None:
        self.power = torch.ones(1, dtype=torch.float64, device="cpu")
        self.initial = torch.rand(3, generator=rng)

    def forward(self, r: Any, channel: Any, condition: Any = None, power: Any = None) -> Any:
        p = self.power if power is None else power
        return r**p, (torch.log(p) + (p - 1) * torch.log(r)).sum(1)

    def inverse(self, u: Any, channel: Any, condition: Any = None) -> Any:
        return self.forward(u, channel, power=1 / self.power)

    def fit(self, source: Any, budget: Any, context: Any) -> FitReport:
        self.drawn = torch.rand(3, generator=context.rng)
        draw = source.draw(budget.evaluations)
        assert not any(t.requires_grad for t in (draw.u, draw.log_det, draw.value, draw.weight))
        power = self.power.clone().requires_grad_()
        log_q = self.forward(draw.u, draw.channel, power=1 / power)[1]
        loss = (draw.weight**2 * torch.exp(-log_q - draw.log_det)).mean()
        loss.backward()
        assert power.grad is not None
        self.power = self.power - 0.1 * power.grad.sign()
        return FitReport(budget.evaluations, losses=(2.0, float(loss.detach())), notes=("power",))

    def state(self) -> Any:
        return {"power": self.power}, {}

    def load_state(self, tensors: Any, values: Any) -> None:
        self.power = tensors["power"]


class Bias:
    """The prior times a factor for each channel, one step along the gradient of the variance."""

    def __init__(self, channels: int) -> None:
        self.bias = torch.zeros(channels, dtype=torch.float64, device="cpu")

    def log_weights(self, features: Any, log_prior: Any, log_density: Any = None) -> Any:
        return torch.log_softmax(log_prior + self.bias, 1)

    def fit(self, source: Any, budget: Any, context: Any) -> FitReport:
        draw = source.draw(budget.evaluations)
        self.seen = draw
        bias = self.bias.clone().requires_grad_()
        alpha = torch.log_softmax(draw.log_prior + bias, 1) - draw.log_alpha
        own = alpha.gather(1, draw.channel[:, None])[:, 0]
        (draw.weight * own.exp()).square().mean().backward()
        assert bias.grad is not None
        self.bias = -bias.grad.sign()
        return FitReport(budget.evaluations, notes=("bias",))

    def state(self) -> Any:
        return {"bias": self.bias}, {}

    def load_state(self, tensors: Any, values: Any) -> None:
        self.bias = tensors["bias"]


@pytest.fixture
def learners(monkeypatch: pytest.MonkeyPatch) -> Registry:
    module: Any = ModuleType(NAME)
    module.power = lambda context: Power(context.rng)
    module.bias = lambda context: Bias(context.channels)
    module.crosshook_channel_mapping = lambda: [
        Component("power", f"{NAME}:power", "learns", capabilities=LEARNS)
    ]
    module.crosshook_channel_weights = lambda: [
        Component("bias", f"{NAME}:bias", "learns", capabilities=LEARNS),
        Component("boast", "crosshook.plugins.uniform.weights:make", "", capabilities=LEARNS),
    ]
    monkeypatch.setitem(sys.modules, NAME, module)
    return Registry([*find_plugins(), Plugin("learners", NAME, "learners", "1", module)])


def test_mapping_and_weights_train_by_gradients_one_after_the_other(
    drell_yan: Any, learners: Registry
) -> None:
    slots = {"channel_mapping": Slot("power"), "channel_weights": Slot("bias")}
    result, _, heard, sampler = _train(drell_yan, registry=learners, **slots)
    assert not result.skipped
    assert [i.evaluations for i in heard] == [2000, 2000]  # half of the budget each
    assert result.notes == ("power", "bias")
    assert list(result.losses) == ["channel_mapping"]
    assert result.losses["channel_mapping"][0] == 2.0
    assert float(sampler.mapping.power) in (pytest.approx(0.9), pytest.approx(1.1))
    assert sorted(sampler.weights.bias.tolist()) == [-1.0, 1.0]
    seen = sampler.weights.seen  # drawn through the trained mapping
    again = sampler.mapping.forward(seen.r, seen.channel)
    assert torch.equal(again[0], seen.u)
    assert not torch.equal(sampler.mapping.initial, sampler.mapping.drawn)


def test_weights_train_beside_a_mapping_that_does_not(drell_yan: Any, learners: Registry) -> None:
    slots = {"channel_mapping": Slot("uniform"), "channel_weights": Slot("bias")}
    result, _, _, sampler = _train(drell_yan, registry=learners, **slots)
    assert result.evaluations == 4000
    assert sampler.weights.bias.abs().tolist() == [1.0, 1.0]


def test_a_slot_may_have_a_budget_of_its_own(drell_yan: Any, learners: Registry) -> None:
    own = Slot("bias", train={"evaluations": 70})
    changes = {"channel_mapping": Slot("power"), "channel_weights": own}
    _, _, heard, _ = _train(drell_yan, registry=learners, **changes)
    assert [i.evaluations for i in heard] == [4000, 70]


def test_training_that_cannot_be_is_refused(drell_yan: Any, learners: Registry) -> None:
    config = replace(drell_yan.config, channel_weights=Slot("prior", train={"evaluations": 5}))
    with pytest.raises(ConfigurationError, match=r"channel_weights.train: 'prior' is not train"):
        plan_training(_plan(config), learners)
    with pytest.raises(RegistryError, match=r"'boast' is declared trainable, but has no fit"):
        _train(drell_yan, registry=learners, channel_weights=Slot("boast"))
