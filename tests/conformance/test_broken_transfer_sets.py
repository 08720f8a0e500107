"""Transfer functions of angles and sets: correct ones pass, each wrong one is found out."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.core.component import Capabilities
from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.training import FitReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.training import Budget
    from crosshook.core.testkit import Finding
    from crosshook.core.transfer.paired import PairedSource

TRAINABLE = Capabilities(trainable=True, stateful=True)
WITH_SETS = Capabilities(sets=True)
TURN = 2 * math.pi


class WrappedGaussian:
    """Correct: width 0.5 in every column; columns in rad are wrapped. Everything is accepted."""

    def __init__(self, context: BuildContext) -> None:
        self.units: tuple[str, ...] = ()

    def fit(self, source: PairedSource, budget: Budget, context: BuildContext) -> FitReport:
        self.units = source.draw(10).reco.units
        return FitReport(10)

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        return {}, {"units": list(self.units)}

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        self.units = tuple(values["units"])  # type: ignore[arg-type]

    def within_one_turn(self, x: Tensor) -> Tensor:
        return torch.remainder(x + math.pi, TURN) - math.pi

    def log_prob(self, reco: Features, truth: Features) -> Tensor:
        total = torch.zeros_like(reco.dense[:, 0])
        for i, unit in enumerate(reco.units):
            distance = reco.dense[:, i] - truth.dense[:, i]
            if unit == "rad":
                distance = self.within_one_turn(distance)
            terms = [
                -2.0 * (distance + TURN * k).square()
                for k in (range(-4, 5) if unit == "rad" else (0,))
            ]
            total = total + torch.logsumexp(torch.stack(terms), 0) + 0.5 * math.log(2 / math.pi)
        return total

    def sample(self, truth: Features, n_draws: int, rng: torch.Generator) -> Features:
        z = truth.dense.repeat_interleave(n_draws, dim=0)
        noise = torch.randn(z.shape, generator=rng, dtype=z.dtype, device=rng.device)
        x = z + 0.5 * noise.to(z.device)
        columns = [
            self.within_one_turn(x[:, i]) if unit == "rad" else x[:, i]
            for i, unit in enumerate(truth.units)
        ]
        return Features(torch.stack(columns, 1), truth.names, truth.units)

    def log_acceptance(self, truth: Features) -> Tensor:
        return torch.zeros_like(truth.dense[:, 0])


class AngleOnTheLine(WrappedGaussian):
    def log_prob(self, reco: Features, truth: Features) -> Tensor:
        return super().log_prob(replace(reco, units=("", "")), truth)


class TooMuchOnTheCircle(WrappedGaussian):
    def log_prob(self, reco: Features, truth: Features) -> Tensor:
        return super().log_prob(reco, truth) + (0.1 if "rad" in reco.units else 0.0)


class UnwrappedDraws(WrappedGaussian):
    def within_one_turn(self, x: Tensor) -> Tensor:
        return torch.remainder(x + math.pi, 2 * TURN) - math.pi


class JetsTransfer:
    """Correct: x as z with width 0.5, 0, 1 or 2 jets of falling pT and any direction."""

    chances = (0.2, 0.5, 0.3)

    def __init__(self, context: BuildContext) -> None:
        self.mean = 20.0

    def log_prob(self, reco: Features, truth: Features) -> Tensor:
        distance = (reco.dense - truth.dense).square().sum(dim=1)
        f = reco.dense.shape[1]
        total = -2.0 * distance + f * 0.5 * math.log(2 / math.pi)
        if not reco.sets:
            return total
        values, there = reco.sets["jets"]
        return total + self.log_of_jets(values, there)

    def log_of_jets(self, values: Tensor, there: Tensor) -> Tensor:
        number = there.sum(dim=1)
        pt = values[:, :, 0]
        one = torch.where(pt > 0, -pt / self.mean - math.log(self.mean * TURN), -torch.inf)
        one = torch.where(there, one, 0.0).sum(dim=1)
        return one + self.log_number(number)

    def log_number(self, number: Tensor) -> Tensor:
        """P(k) k!, as a set counts once."""
        odds = torch.tensor([*self.chances, 0.0], dtype=torch.float64, device=number.device)
        count = number.clamp(max=3)
        return odds[count].log() + torch.lgamma(count.double() + 1.0)

    def sample(self, truth: Features, n_draws: int, rng: torch.Generator) -> Features:
        z = truth.dense.repeat_interleave(n_draws, dim=0)
        noise = torch.randn(z.shape, generator=rng, dtype=z.dtype, device=rng.device)
        shape = (len(z), 2)
        chance, direction, of_number = (
            torch.rand(s, generator=rng, dtype=z.dtype, device=rng.device)
            for s in (shape, shape, (len(z),))
        )
        number = (of_number > self.chances[0]).long() + (of_number > sum(self.chances[:2])).long()
        there = torch.arange(2, device=number.device)[None, :] < number[:, None]
        jets = torch.stack([-self.mean * torch.log1p(-chance), TURN * (direction - 0.5)], dim=2)
        dense = z + 0.5 * noise.to(z.device)
        sets = {"jets": (jets.to(z.device), there.to(z.device))}
        return Features(dense, truth.names, truth.units, sets, {"jets": ("pt", "phi")})

    def log_acceptance(self, truth: Features) -> Tensor:
        return torch.zeros_like(truth.dense[:, 0])


class JetsCountedInEveryOrder(JetsTransfer):
    """A density of lists, not of sets: k! is missing."""

    def log_number(self, number: Tensor) -> Tensor:
        return super().log_number(number) - torch.lgamma(number.clamp(max=3).double() + 1.0)


class FirstJetIsSpecial(JetsTransfer):
    def log_of_jets(self, values: Tensor, there: Tensor) -> Tensor:
        tilt = torch.where(there[:, 0], torch.log1p(0.5 * values[:, 0, 1].cos()), 0.0)
        return super().log_of_jets(values, there) + tilt


class LooksAtPadding(JetsTransfer):
    def log_of_jets(self, values: Tensor, there: Tensor) -> Tensor:
        return super().log_of_jets(values, there) + 0.01 * values.sum(dim=(1, 2)).tanh()


class MoreJetsThanItSays(JetsTransfer):
    def log_number(self, number: Tensor) -> Tensor:
        odds = torch.tensor([0.3, 0.4, 0.3, 0.0], dtype=torch.float64, device=number.device)
        count = number.clamp(max=3)
        return odds[count].log() + torch.lgamma(count.double() + 1.0)


ANGLES = [
    (AngleOnTheLine, r"when an angle of x is turned", "angles_are_periodic"),
    (TooMuchOnTheCircle, r"over one turn of the angle is 1\.1", "angles_are_periodic"),
    (UnwrappedDraws, r"more than 2π", "angles_are_periodic"),
]
JETS = [
    (JetsCountedInEveryOrder, r"over sets of 2 objects is 0\.1", "sets_are_normalised"),
    (FirstJetIsSpecial, r"objects of a set are permuted", "order_of_objects_means_nothing"),
    (LooksAtPadding, r"where no object is", "order_of_objects_means_nothing"),
    (MoreJetsThanItSays, r"over sets of 0 objects is 0\.[23]", "sets_are_normalised"),
]


@pytest.mark.parametrize(
    ("factory", "words", "check"), ANGLES, ids=[f.__name__ for f, _, _ in ANGLES]
)
def test_wrong_angles_are_rejected(
    reject: Callable[..., None], factory: type, words: str, check: str
) -> None:
    reject("transfer_function", factory, words, check, TRAINABLE)


@pytest.mark.parametrize(("factory", "words", "check"), JETS, ids=[f.__name__ for f, _, _ in JETS])
def test_wrong_sets_are_rejected(
    reject: Callable[..., None], factory: type, words: str, check: str
) -> None:
    reject("transfer_function", factory, words, check, WITH_SETS)


def test_correct_ones_pass(findings_on: Callable[..., list[Finding]]) -> None:
    assert findings_on("transfer_function", WrappedGaussian, TRAINABLE) == []
    assert findings_on("transfer_function", JetsTransfer, WITH_SETS) == []
