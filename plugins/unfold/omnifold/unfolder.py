"""Unfolder `omnifold`: unbinned reweighting in any number of columns (OmniFold, 1911.09107).

One iteration: a classifier of data against reweighted simulation at reco gives r(x); the mean of
the pulled ratios at truth, E[ν r | z], is the next ν(z). With perfect answers this is expectation
maximisation. Weights are absolute: simulated events are scaled to the data once, each step keeps
the sum it is given, and fakes keep their shape while their number follows the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.training import FitReport
from crosshook.core.interfaces.unfolder import Unfolded, WeightFamily
from crosshook.plugins.unfold.omnifold.by_networks import NetworkSteps
from crosshook.plugins.unfold.omnifold.by_trees import TreeSteps
from crosshook.plugins.unfold.omnifold.events import sort_events
from crosshook.plugins.unfold.omnifold.history import Iteration, sentences
from crosshook.plugins.unfold.omnifold.iteration import Ratios, iterate, prior
from crosshook.plugins.unfold.omnifold.preparation import fingerprint, prepare
from crosshook.plugins.unfold.omnifold.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.unfolder import Measured, Simulation
    from crosshook.plugins.unfold.omnifold.settings import Missed, Network
    from crosshook.plugins.unfold.omnifold.steps import Steps

STEPS = "steps."
"""Names of what the steps keep begin with this."""


class OmniFold:
    """See the module.

    Attributes:
        keep: called after every iteration, e.g. to save this component as a model. One that is
            loaded from there and fitted again to the same events goes on with the next iteration
            and ends at the same bits.
        history: the iterations so far.
    """

    def __init__(self, context: BuildContext, settings: Settings) -> None:
        """An unfolder that has seen nothing.

        Args:
            context: for the progress.
            settings: how it learns.
        """
        self._settings = settings
        self._progress = context.progress
        self._steps = self._fresh_steps()
        self.keep: Callable[[], None] | None = None
        self.history: tuple[Iteration, ...] = ()
        self._truth: Features | None = None
        self._generated = torch.empty(0, dtype=torch.float64, device=context.torch_device)
        self._iterations: list[Tensor] = []
        self._last: Ratios | None = None
        self._notes: tuple[str, ...] = ()
        self._key = ""
        self._rng_state: Tensor | None = None

    def fit(
        self,
        simulation: Simulation,
        measured: Measured,
        background: Measured | None,
        rng: torch.Generator,
    ) -> FitReport:
        """Iterates; see `Unfolder.fit`.

        Raises:
            InputError: if there is nothing to learn from, or a value is no finite number.
        """
        key = fingerprint(simulation, measured, background)
        events = sort_events(simulation, measured, background)
        prepared = prepare(events, self._settings, rng, self._progress)
        if self._rng_state is not None and key == self._key:
            rng.set_state(self._rng_state.cpu())
        else:
            self._steps, self._iterations, self.history = self._fresh_steps(), [], ()
            self._last = None
            self._truth, self._generated = events.truth, events.weight.clone()
            self._notes, self._key = prepared.notes, key
        last, total = self._last or prior(prepared), self._settings.iterations
        for number in range(len(self._iterations) + 1, total + 1):
            last, done = iterate(number, last, prepared, self._steps, self._settings, rng)
            self.history += (done,)
            self._iterations.append(last.truth)
            self._last, self._rng_state = last, rng.get_state()
            if self.keep is not None:
                self.keep()
            # Who is told may stop the fit: what is done is kept by then.
            self._progress.update("unfold", number, total, step=done.step)
        # Another fit of this object is a fit of its own.
        self._rng_state = None
        losses = [v for each in self.history for v in (each.reco_loss, each.truth_loss)]
        return FitReport(0, losses=tuple(losses), notes=self._said())

    def unfold(self) -> Unfolded:
        """The weighted truth rows; see `Unfolder.unfold`.

        Raises:
            ConfigurationError: before a fit.
        """
        if self._truth is None or self._last is None:
            message = "omnifold: nothing is unfolded yet: fit comes first"
            raise ConfigurationError(message)
        weight = self._generated[:, None]
        history = weight * torch.stack(self._iterations, dim=1)
        numbers = range(1, len(self._iterations) + 1)
        families = {
            "nominal": WeightFamily("nominal", history[:, -1:].clone(), ("nominal",)),
            "iterations": WeightFamily(
                "iteration", history, tuple(f"iteration {i}" for i in numbers)
            ),
        }
        members = self._last.members
        if len(members) > 1:
            labels = tuple(f"network {i}" for i in range(1, len(members) + 1))
            families["networks"] = WeightFamily("ensemble", weight * members.T, labels)
        return Unfolded(self._truth, families, self._said())

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """The result so far, and what the next iteration starts from."""
        tensors = {STEPS + name: tensor for name, tensor in self._steps.state().items()}
        if self._truth is None or self._last is None:
            return tensors, {}
        tensors["truth"], tensors["generated"] = self._truth.dense, self._generated
        for name, (objects, mask) in self._truth.sets.items():
            tensors[f"objects {name}"], tensors[f"mask {name}"] = objects, mask
        tensors["iterations"] = torch.stack(self._iterations)
        tensors["members"] = self._last.members
        if self._rng_state is not None:
            tensors["rng"] = self._rng_state
        truth = self._truth
        values: dict[str, object] = {
            "names": list(truth.names),
            "units": list(truth.units),
            "sets": {
                name: [list(truth.set_names.get(name, ())), list(truth.set_units.get(name, ()))]
                for name in truth.sets
            },
            "fakes": self._last.fakes,
            "history": [each.as_values() for each in self.history],
            "notes": list(self._notes),
            "events": self._key,
        }
        return tensors, values

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """Takes back what `state` gave."""
        self._steps = self._fresh_steps()
        self._steps.load_state(
            {name.removeprefix(STEPS): t for name, t in tensors.items() if name.startswith(STEPS)}
        )
        if "truth" not in tensors:
            return
        sets = cast("Mapping[str, list[list[str]]]", values["sets"])
        self._truth = Features(
            tensors["truth"],
            tuple(cast("list[str]", values["names"])),
            tuple(cast("list[str]", values["units"])),
            {name: (tensors[f"objects {name}"], tensors[f"mask {name}"]) for name in sets},
            {name: tuple(columns) for name, (columns, _) in sets.items() if columns},
            {name: tuple(units) for name, (_, units) in sets.items() if units},
        )
        self._generated = tensors["generated"]
        self._iterations = list(tensors["iterations"])
        self._last = Ratios(
            self._iterations[-1], tensors["members"], cast("float", values["fakes"])
        )
        history = cast("list[dict[str, object]]", values["history"])
        self.history = tuple(Iteration.of_values(each) for each in history)
        self._notes = tuple(cast("list[str]", values["notes"]))
        self._key = str(values["events"])
        self._rng_state = tensors.get("rng")

    def _fresh_steps(self) -> Steps:
        kind = TreeSteps if self._settings.network == "trees" else NetworkSteps
        return kind(self._settings, self._progress)

    def _said(self) -> tuple[str, ...]:
        return (*self._notes, *sentences(self.history, self._settings.clip))


def make(
    context: BuildContext,
    *,
    network: Network,
    iterations: int,
    ensemble: int,
    hidden: int,
    depth: int,
    knots: int,
    epochs: float,
    later_epochs: float,
    batch: int,
    learning_rate: float,
    validation: float,
    patience: int,
    clip: float,
    missed: Missed,
    trees: int,
    leaves: int,
) -> OmniFold:
    """Builds the component; options as in schemas/v1/components/omnifold.json."""
    return OmniFold(
        context,
        Settings(
            network,
            iterations,
            ensemble,
            hidden,
            depth,
            knots,
            epochs,
            later_epochs,
            batch,
            learning_rate,
            validation,
            patience,
            clip,
            missed,
            trees,
            leaves,
        ),
    )
