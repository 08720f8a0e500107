"""Unfolders by a posterior: p(truth | reco) is learned, drawn from, and freed of its prior.

The result is expressed as weights of the simulation's truth rows, not as the draws themselves.
Replicas then share their rows, so that covariances can be had of any histogram; no truth is
made up that the generator does not know; events the detector loses get their weights from those of
equal truth that it sees, without a division by a small efficiency; and faults of the density
cancel (see `iterations`). The price is the error of one classifier. The draws, event by event,
are what `posterior` gives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.training import FitReport
from crosshook.core.interfaces.unfolder import Unfolded, WeightFamily
from crosshook.core.learning.dense import Dense
from crosshook.plugins.unfold.posterior.iterations import Drawn, iterate
from crosshook.plugins.unfold.posterior.ranks import Columns
from crosshook.plugins.unfold.posterior.ratio import LARGEST, log_ratio
from crosshook.plugins.unfold.posterior.samples import take_apart
from crosshook.plugins.unfold.posterior.signal_share import true_weights
from crosshook.plugins.unfold.posterior.training import usual_lesson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.unfolder import Measured, Simulation
    from crosshook.plugins.unfold.posterior.density import Density, MakeDensity

RATIO_HIDDEN, RATIO_DEPTH = 64, 2
RATIO_BATCH = 4096
"""Of the classifiers; fewer for few events."""
SHARE_EPOCHS = 15.0
"""Passes of the classifiers of backgrounds and fakes."""


@dataclass(frozen=True)
class Settings:
    """Options; meaning and defaults are in schemas/v1/components/conditional-flow.json."""

    iterations: int
    draws: int
    missed: str
    epochs: float
    batch: int
    learning_rate: float
    ratio_epochs: float
    ratio_rate: float


@dataclass(frozen=True)
class Learned:
    """What a fit leaves.

    Attributes:
        truth_columns: ranks of the simulation's truth.
        reco_columns: ranks of its reco.
        reco_names: names of the reco columns.
        density: p(truth | reco) under the simulation's prior.
        ratio: network of log ν, the true prior over the simulation's.
        result: of the fit.
    """

    truth_columns: Columns
    reco_columns: Columns
    reco_names: tuple[str, ...]
    density: Density
    ratio: Dense
    result: Unfolded


class PosteriorUnfolder:
    """An unfolder built on a conditional density."""

    def __init__(
        self, name: str, context: BuildContext, settings: Settings, make: MakeDensity
    ) -> None:
        """Nothing is learned yet.

        Args:
            name: of the component, for messages.
            context: of the component.
            settings: its options.
            make: makes the density.
        """
        self._name, self._context, self._settings, self._make = name, context, settings, make
        self._learned: Learned | None = None

    def fit(
        self,
        simulation: Simulation,
        measured: Measured,
        background: Measured | None,
        rng: torch.Generator,
    ) -> FitReport:
        """Learns the density, draws, iterates; see `Unfolder.fit`."""
        settings, progress = self._settings, self._context.progress
        samples = take_apart(self._name, simulation, measured, background)
        known = samples.matched_weight
        truth = samples.truth.dense
        columns = Columns.of(truth[samples.matched], known)
        seen = Columns.of(samples.reco, known)
        shares = usual_lesson(
            SHARE_EPOCHS, RATIO_BATCH, settings.ratio_rate, "background and fakes"
        )
        weight, notes = true_weights(samples, seen, shares, rng, progress)
        density = self._make(len(columns), seen.width, rng)
        spread = torch.rand(
            samples.reco.shape[:1] + truth.shape[1:],
            generator=rng,
            dtype=truth.dtype,
            device="cpu",
        )
        losses = density.learn(
            columns.scores(truth[samples.matched], spread.to(truth.device)),
            seen.inputs(samples.reco),
            known * (len(known) / known.sum()),
            usual_lesson(settings.epochs, settings.batch, settings.learning_rate, "posterior"),
            rng,
            progress,
            self._context.store,
        )
        sizes = (columns.width, *[RATIO_HIDDEN] * RATIO_DEPTH, 1)
        ratio = Dense.random(sizes, rng, torch.float32, truth.device)
        # The iterations start from ν = 1.
        ratio.matrices[-1].zero_()

        def drawn(reco: Tensor, weights: Tensor) -> Drawn:
            inputs = seen.inputs(reco).repeat_interleave(settings.draws, dim=0)
            values = columns.rows(density.draw(inputs, rng))
            return Drawn(columns.inputs(values).to(torch.float32), weights)

        trail = iterate(
            ratio,
            drawn(samples.data, weight),
            drawn(samples.reco, known),
            columns.inputs(truth).to(torch.float32),
            samples.matched,
            settings.iterations,
            usual_lesson(settings.ratio_epochs, RATIO_BATCH, settings.ratio_rate, "iterations"),
            rng,
            progress,
        )
        factor = trail.log_factor.exp()
        if settings.missed == "prior":
            lost = torch.ones_like(samples.weight, dtype=torch.bool)
            lost[samples.matched] = False
            factor = torch.where(lost[:, None], 1.0, factor)
        weights = (samples.weight * (weight.sum() / known.sum()))[:, None] * factor
        negative = int((samples.weight < 0).sum())
        if negative:
            notes += (
                (
                    f"{negative} of {len(samples.weight)} simulated weights are negative: networks "
                    "learn from them as they are, which is noisy"
                ),
            )
        notes += (
            f"{trail.effective:.3g} of the draws count after the last iteration (Kish)",
            f"{int((trail.log_factor[:, -1].abs() >= LARGEST).sum())} factors are clipped",
        )
        result = _result(samples.truth, weights, notes)
        names = simulation.reco.names
        self._learned = Learned(columns, seen, names, density, ratio, result)
        return FitReport(evaluations=0, losses=losses + trail.losses, notes=notes)

    def unfold(self) -> Unfolded:
        """The result of the fit."""
        return self._fitted().result

    def posterior(
        self, measured: Measured, n_draws: int, rng: torch.Generator
    ) -> tuple[Features, Tensor]:
        """Draws truth for each measured event; see `EventWiseUnfolder.posterior`.

        The draws follow the density under the simulation's prior; the log-weights turn it into
        that of the last iteration. Those of an event have mean weight 1. They hold for an event
        with truth: backgrounds and fakes are not considered.
        """
        learned = self._fitted()
        if measured.reco.names != learned.reco_names:
            message = (
                f"{self._name}: measured columns {', '.join(measured.reco.names)}; learned from "
                f"{', '.join(learned.reco_names)}"
            )
            raise InputError(message)
        inputs = learned.reco_columns.inputs(measured.reco.dense)
        scores = learned.density.draw(inputs.repeat_interleave(n_draws, dim=0), rng)
        rows = learned.truth_columns.rows(scores)
        log_factor = log_ratio(
            learned.ratio, learned.truth_columns.inputs(rows).to(torch.float32)
        ).view(len(measured.reco), n_draws)
        mean = torch.logsumexp(log_factor, dim=1, keepdim=True) - math.log(n_draws)
        truth = learned.result.truth
        return Features(rows, truth.names, truth.units), log_factor - mean

    def _fitted(self) -> Learned:
        if self._learned is None:
            message = f"{self._name}: asked for a result before fit"
            raise ConfigurationError(message)
        return self._learned

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """Everything learned, and the result with its truth rows."""
        learned = self._learned
        if learned is None:
            return {}, {}
        truth, family = learned.result.truth, learned.result.families["iterations"]
        tensors = {
            "truth": truth.dense,
            "weights": family.weights,
            **learned.truth_columns.state("truth_columns"),
            **learned.reco_columns.state("reco_columns"),
            **learned.ratio.state("ratio"),
            **{f"density.{name}": tensor for name, tensor in learned.density.state().items()},
        }
        for name, (values, mask) in truth.sets.items():
            tensors |= {f"sets.{name}.values": values, f"sets.{name}.mask": mask}
        return tensors, {
            "truth_names": list(truth.names),
            "truth_units": list(truth.units),
            "reco_names": list(learned.reco_names),
            "sets": {
                name: [list(truth.set_names.get(name, ())), list(truth.set_units.get(name, ()))]
                for name in truth.sets
            },
            "notes": list(learned.result.notes),
        }

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """Takes back what `state` gave."""
        if not values:
            self._learned = None
            return
        truth_names, truth_units, reco_names, notes = (
            tuple(cast("list[str]", values[key]))
            for key in ("truth_names", "truth_units", "reco_names", "notes")
        )
        sets = cast("Mapping[str, list[list[str]]]", values["sets"])
        columns = Columns.from_state(tensors, "truth_columns", len(truth_names))
        seen = Columns.from_state(tensors, "reco_columns", len(reco_names))
        density = self._make(len(columns), seen.width, None)
        prefix = "density."
        density.load_state(
            {key.removeprefix(prefix): t for key, t in tensors.items() if key.startswith(prefix)}
        )
        truth = Features(
            tensors["truth"],
            truth_names,
            truth_units,
            {
                name: (tensors[f"sets.{name}.values"], tensors[f"sets.{name}.mask"])
                for name in sets
            },
            {name: tuple(columns) for name, (columns, _) in sets.items() if columns},
            {name: tuple(units) for name, (_, units) in sets.items() if units},
        )
        ratio = Dense.from_state(tensors, "ratio")
        result = _result(truth, tensors["weights"], notes)
        self._learned = Learned(columns, seen, reco_names, density, ratio, result)


def _result(truth: Features, weights: Tensor, notes: tuple[str, ...]) -> Unfolded:
    """Families of weights `(n, iterations)`; the last one is nominal."""
    labels = tuple(f"iteration {i + 1}" for i in range(weights.shape[1]))
    families = {
        "nominal": WeightFamily("nominal", weights[:, -1:].clone(), ("nominal",)),
        "iterations": WeightFamily("iteration", weights, labels),
    }
    return Unfolded(truth, families, notes)
