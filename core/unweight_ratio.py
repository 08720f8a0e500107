"""Exact weights of events that a surrogate has weighted, and which of them stay; block by block.

A worker computes the same blocks from a recipe: the model, the process, and the unweighter as it was
fitted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import numpy as np
import torch

from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.errors import NumericalError
from crosshook.core.events.batch import momentum_block
from crosshook.core.process.matched_events import matched_events
from crosshook.core.process.surrogate_amplitudes import SurrogateAmplitudes
from crosshook.core.random import uniform
from crosshook.core.registry import default_registry
from crosshook.core.sampling.build import UNWEIGHTER
from crosshook.core.sampling.saved_components import save_component
from crosshook.core.surrogates.models import load_surrogate
from crosshook.core.train import check_keeps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.batch_tasks import BatchWorkers
    from crosshook.core.events.layout import FloatArray
    from crosshook.core.interfaces.process import Process
    from crosshook.core.interfaces.unweighter import Unweighter
    from crosshook.core.registry import Registry

    Columns = dict[str, NDArray[Any]]

STAGE: Final = "unweight-surrogate"
ALPHA_S: Final = 0.118
"""For files that do not give the coupling; it cancels in the ratio of one power of it."""
RATIO: Final = "crosshook.core.unweight_ratio:ratio_columns"
CHOICE: Final = "crosshook.core.unweight_ratio:choice_columns"


@dataclass(frozen=True)
class RatioRecipe:
    """What ratios are computed by.

    Attributes:
        process: component that knows the exact |M|², as JSON.
        surrogate: directory of the model.
        source: file of the events, for messages.
        token: new for every file: models may have changed since the last one.
    """

    process: str
    surrogate: str
    source: str
    token: str

    def build(self, registry: Registry | None = None) -> AmplitudeRatio:
        """The ratio, by components of a registry or of everything installed.

        Raises:
            CrosshookError: if there is no such process or surrogate.
        """
        known = registry or default_registry()
        slot = Slot.parse(json.loads(self.process))
        built = cast("Process", known.build("process", slot, BuildContext(), "process"))
        surrogate = load_surrogate(self.surrogate, registry=registry)
        guess = SurrogateAmplitudes(surrogate, built.matrix_element())
        return AmplitudeRatio(built, guess, Path(self.source))


@dataclass
class AmplitudeRatio:
    """|M|²/|M|²_surrogate of events of a process."""

    process: Process
    surrogate: SurrogateAmplitudes
    source: Path

    @torch.no_grad()
    def of(self, batch: EventBatch) -> FloatArray:
        """x of each event, `(n,)`.

        Raises:
            InputError: if an event is none of the process, or the surrogate gives it no weight.
            NumericalError: if an |M|² is no number.
        """
        element = self.process.matrix_element()
        ratio = np.ones(len(batch))
        momenta = torch.from_numpy(momentum_block(batch.particle_columns))
        coupling = np.asarray(batch.event["alpha_qcd"], np.float64)
        alpha_s = torch.from_numpy(np.where(coupling > 0, coupling, ALPHA_S))
        name = f"{self.source}: {self.process.name}"
        for rows, legs, subprocess in matched_events(batch, element.subprocesses, name):
            p, a = momenta[torch.from_numpy(legs)], alpha_s[torch.from_numpy(rows)]
            exact = element.squared(p, subprocess, a).value
            guess = self.surrogate.squared(p, subprocess, a).value
            found = (exact / guess).cpu().numpy()
            bad = np.flatnonzero(~np.isfinite(found))
            if bad.size:
                message = (
                    f"{self.source}: |M|² = {float(exact[bad[0]])}, by the surrogate "
                    f"{float(guess[bad[0]])}: no ratio; momenta {p[bad[0]].tolist()}"
                )
                raise NumericalError(message)
            ratio[rows] = found
        return ratio


class _BlockCandidates:
    """The events of a block: s is known, w once |M|² is computed."""

    def __init__(self, batch: EventBatch, ratio: AmplitudeRatio) -> None:
        self._batch, self._ratio = batch, ratio
        self._guess = torch.from_numpy(np.array(batch.event["weight"], np.float64))
        self.ratio = np.full(len(batch), np.nan)
        self.channel = torch.zeros(len(batch), dtype=torch.int64)

    def surrogate(self) -> Tensor:
        """s, `(n,)`."""
        return self._guess

    def weight(self, index: Tensor) -> Tensor:
        """w of the rows asked for, `(j,)`."""
        rows = index.numpy()
        new = rows[np.isnan(self.ratio[rows])]
        if new.size:
            self.ratio[new] = self._ratio.of(self._batch[new])
        return self._guess[index] * torch.from_numpy(self.ratio[rows])


def choose(
    batch: EventBatch, block: int, unweighter: Unweighter, ratio: AmplitudeRatio, seed: int
) -> Columns:
    """Which events of a block stay.

    Args:
        batch: the block.
        block: its number.
        unweighter: fitted.
        ratio: gives exact weights.
        seed: of the random numbers.

    Returns:
        `index` and `factor` of the events that stay, before the common scale; of all events `ratio`,
        NaN where nobody asked for it, and the `chance` that it was asked for.
    """
    candidates = _BlockCandidates(batch, ratio)
    numbers: Tensor = uniform(seed, STAGE, block, (len(batch), unweighter.n_uniform))
    kept = unweighter.unweight(candidates, numbers)
    index = kept.index.numpy()
    return {
        "index": index,
        # From s in the file to w, and from w to what it leaves with.
        "factor": kept.factor.numpy() * candidates.ratio[index],
        "ratio": candidates.ratio,
        "chance": np.ones(len(batch)) if kept.chance is None else kept.chance.numpy(),
    }


class Blocks(Protocol):
    """Computes blocks of events, in order, here or by workers."""

    def ratios(self, batches: Iterable[EventBatch]) -> Iterator[tuple[EventBatch, FloatArray]]:
        """Events with the ratio of each, `(n,)`."""
        ...

    def choices(
        self, batches: Iterable[EventBatch], unweighter: Unweighter, seed: int
    ) -> Iterator[tuple[EventBatch, Columns]]:
        """Blocks of a file with what stays of them; see `choose`."""
        ...


@dataclass(frozen=True)
class BlocksHere:
    """Computes blocks in this process."""

    ratio: AmplitudeRatio

    def ratios(self, batches: Iterable[EventBatch]) -> Iterator[tuple[EventBatch, FloatArray]]:
        """See `Blocks`."""
        for batch in batches:
            yield batch, self.ratio.of(batch)

    def choices(
        self, batches: Iterable[EventBatch], unweighter: Unweighter, seed: int
    ) -> Iterator[tuple[EventBatch, Columns]]:
        """See `Blocks`."""
        for block, batch in enumerate(batches):
            yield batch, choose(batch, block, unweighter, self.ratio, seed)


@dataclass(frozen=True)
class BlocksByWorkers:
    """Lets workers compute blocks.

    Attributes:
        workers: get the events.
        recipe: of the ratios.
        slot: the unweighter's.
        registry: knows whether it has a state.
    """

    workers: BatchWorkers
    recipe: RatioRecipe
    slot: Slot
    registry: Registry

    def ratios(self, batches: Iterable[EventBatch]) -> Iterator[tuple[EventBatch, FloatArray]]:
        """See `Blocks`."""
        for batch, columns in self.workers.computed(batches, RATIO, {"recipe": self.recipe}):
            yield batch, columns["ratio"]

    def choices(
        self, batches: Iterable[EventBatch], unweighter: Unweighter, seed: int
    ) -> Iterator[tuple[EventBatch, Columns]]:
        """See `Blocks`.

        Raises:
            ModelError: if what the unweighter was fitted to cannot be kept.
        """
        check_keeps(self.registry, UNWEIGHTER, self.slot.use)
        folder = self.workers.folder / UNWEIGHTER
        save_component(UNWEIGHTER, self.slot, unweighter, BuildContext(), self.registry, folder)
        fitted = json.dumps(replace(self.slot, model=str(folder)).as_dict())
        arguments = {"recipe": self.recipe, "slot": fitted, "seed": seed}
        yield from self.workers.computed(batches, CHOICE, arguments)


def ratio_columns(batch: EventBatch, number: int, recipe: RatioRecipe) -> dict[str, FloatArray]:
    """The ratios of some events; what a worker does for the pilot."""
    return {"ratio": _ratio(recipe).of(batch)}


def choice_columns(
    batch: EventBatch, number: int, recipe: RatioRecipe, slot: str, seed: int
) -> Columns:
    """Which events of a block stay; what a worker does for the file.

    Args:
        batch: the block.
        number: of the block.
        recipe: of the ratios.
        slot: the fitted unweighter, as JSON.
        seed: of the random numbers.
    """
    return choose(batch, number, _unweighter(slot, recipe.token), _ratio(recipe), seed)


@lru_cache(maxsize=2)
def _ratio(recipe: RatioRecipe) -> AmplitudeRatio:
    return recipe.build()


@lru_cache(maxsize=2)
def _unweighter(slot: str, token: str) -> Unweighter:
    chosen = Slot.parse(json.loads(slot))
    return cast("Unweighter", default_registry().build(UNWEIGHTER, chosen, BuildContext()))
