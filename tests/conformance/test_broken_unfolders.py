"""Unfolders: correct iterative unfolding passes, each wrong variant is found out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.core.interfaces.training import FitReport
from crosshook.core.interfaces.unfolder import Unfolded, WeightFamily

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.unfolder import Measured, Simulation
    from crosshook.core.testkit import Finding


class IterativeUnfolder:
    """Correct: D'Agostini's iterative unfolding in 16 bins of the first column, four iterations."""

    steps = 4

    def __init__(self, context: BuildContext) -> None:
        self.edges = torch.linspace(-3.0, 3.0, 15, dtype=torch.float64, device="cpu")

    def bins(self, values: Tensor) -> Tensor:
        return torch.bucketize(values.contiguous(), self.edges.to(values.device))

    def histogram(self, values: Tensor, weight: Tensor) -> Tensor:
        size = len(self.edges) + 1
        return torch.zeros(size, dtype=weight.dtype).index_add(0, self.bins(values), weight)

    def fit(
        self,
        simulation: Simulation,
        measured: Measured,
        background: Measured | None,
        rng: torch.Generator,
    ) -> FitReport:
        size = len(self.edges) + 1
        z, x, w = simulation.truth.dense[:, 0], simulation.reco.dense[:, 0], simulation.weight
        data = self.histogram(measured.reco.dense[:, 0], measured.weight)
        if background is not None:
            data = data - self.histogram(background.reco.dense[:, 0], background.weight)
        both = simulation.has_truth & simulation.has_reco
        cell = self.bins(z[both]) * size + self.bins(x[both])
        joint = torch.zeros(size * size, dtype=w.dtype).index_add(0, cell, w[both])
        joint = joint.reshape(size, size)
        prior = self.histogram(z[simulation.has_truth], w[simulation.has_truth])
        fakes = simulation.has_reco & ~simulation.has_truth
        seen = self.histogram(x[simulation.has_reco], w[simulation.has_reco])
        share = self.histogram(x[fakes], w[fakes]) / seen.clamp(min=1e-12)
        response = joint / prior[:, None].clamp(min=1e-12)
        data = data * (1.0 - share)
        truth, history = prior * data.sum() / joint.sum(), []
        for _ in range(self.steps):
            folded = (truth[:, None] * response).sum(dim=0).clamp(min=1e-12)
            back = (response * (data / folded)).sum(dim=1)
            truth = truth * back / response.sum(dim=1).clamp(min=1e-12)
            history.append(truth)
        rows = simulation.has_truth
        factor = torch.stack(history, dim=1) / prior[:, None].clamp(min=1e-12)
        weights = factor[self.bins(z[rows])] * w[rows][:, None]
        labels = tuple(f"iteration {i}" for i in range(1, self.steps + 1))
        self.result = Unfolded(
            replace(simulation.truth, dense=simulation.truth.dense[rows]),
            {
                "nominal": WeightFamily("nominal", weights[:, -1:], ("nominal",)),
                "iterations": WeightFamily("iteration", weights, labels),
            },
        )
        return FitReport(evaluations=0)

    def unfold(self) -> Unfolded:
        return self.result


class Wrapped(IterativeUnfolder):
    """Changes what the correct unfolder is given."""

    def change(
        self, simulation: Simulation, measured: Measured, background: Measured | None
    ) -> tuple[Simulation, Measured, Measured | None]:
        raise AssertionError

    def fit(
        self,
        simulation: Simulation,
        measured: Measured,
        background: Measured | None,
        rng: torch.Generator,
    ) -> FitReport:
        return super().fit(*self.change(simulation, measured, background), rng)


class IgnoresSimulationWeights(Wrapped):
    def change(
        self, simulation: Simulation, measured: Measured, background: Measured | None
    ) -> tuple[Simulation, Measured, Measured | None]:
        unit = torch.ones_like(simulation.weight)
        return replace(simulation, weight=unit), measured, background


class IgnoresMeasuredWeights(Wrapped):
    def change(
        self, simulation: Simulation, measured: Measured, background: Measured | None
    ) -> tuple[Simulation, Measured, Measured | None]:
        unit = torch.ones_like(measured.weight)
        return simulation, replace(measured, weight=unit), background


class IgnoresBackground(Wrapped):
    def change(
        self, simulation: Simulation, measured: Measured, background: Measured | None
    ) -> tuple[Simulation, Measured, Measured | None]:
        return simulation, measured, None


class BelievesMissedEvents(Wrapped):
    def change(
        self, simulation: Simulation, measured: Measured, background: Measured | None
    ) -> tuple[Simulation, Measured, Measured | None]:
        everywhere = torch.ones_like(simulation.has_reco)
        return replace(simulation, has_reco=everywhere), measured, background


class SpoilsTheWeights(Wrapped):
    def change(
        self, simulation: Simulation, measured: Measured, background: Measured | None
    ) -> tuple[Simulation, Measured, Measured | None]:
        measured.weight.mul_(0.5)
        return simulation, measured, background


class GlobalBootstrap(Wrapped):
    def change(
        self, simulation: Simulation, measured: Measured, background: Measured | None
    ) -> tuple[Simulation, Measured, Measured | None]:
        weight = measured.weight * torch.poisson(torch.ones_like(measured.weight))
        return simulation, replace(measured, weight=weight), background


class ReturnsThePrior(IterativeUnfolder):
    steps = 1

    def unfold(self) -> Unfolded:
        nominal = self.result.families["nominal"]
        flat = replace(nominal, weights=torch.ones_like(nominal.weights))
        return replace(self.result, families={**self.result.families, "nominal": flat})


class NoIterations(IterativeUnfolder):
    def unfold(self) -> Unfolded:
        nominal = {"nominal": self.result.families["nominal"]}
        return replace(self.result, families=nominal)


BROKEN = [
    (
        IgnoresSimulationWeights,
        r"weights of the simulation are ignored",
        "simulation_weights_are_honoured",
    ),
    (
        IgnoresMeasuredWeights,
        r"weights of the measured events are ignored",
        "measured_weights_are_honoured",
    ),
    (IgnoresBackground, r"background is ignored", "background_is_subtracted"),
    (
        BelievesMissedEvents,
        r"values of missed events or fakes matter",
        "absent_values_do_not_matter",
    ),
    (SpoilsTheWeights, r"fit mutates its input data_weight", "inputs_unchanged"),
    (GlobalBootstrap, r"fit changes global state", "global_state_untouched"),
    (ReturnsThePrior, r"the data do not matter", "measured_weights_are_honoured"),
    (NoIterations, r"no family of kind iteration", "families_are_complete"),
]


@pytest.mark.parametrize(
    ("factory", "words", "check"), BROKEN, ids=[f.__name__ for f, _, _ in BROKEN]
)
def test_wrong_unfolder_is_rejected(
    reject: Callable[..., None], factory: type, words: str, check: str
) -> None:
    reject("unfolder", factory, words, check)


def test_correct_unfolder_passes(findings_on: Callable[..., list[Finding]]) -> None:
    assert findings_on("unfolder", IterativeUnfolder) == []
