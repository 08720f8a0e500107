"""The nominal fit of an unfolding; one that was stopped goes on where its files are."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from crosshook.core.component import Slot
from crosshook.core.errors import InputError, ModelError, NumericalError
from crosshook.core.execute import one_thread
from crosshook.core.learning.checkpoint import CheckpointFolder
from crosshook.core.model import DOCUMENT, restore, save_model
from crosshook.core.unfolding.nominal_part import fingerprint, keep_nominal, kept_nominal
from crosshook.core.unfolding.posterior_draws import write_posterior
from crosshook.core.unfolding.specification import INTERFACE, fit_generator
from crosshook.core.unfolding.weighted_events import ITERATION, NOMINAL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from torch import Tensor

    from crosshook.core.interfaces.unfolder import (
        EventWiseUnfolder,
        ResumableUnfolder,
        Unfolded,
        Unfolder,
        WeightFamily,
    )
    from crosshook.core.progress import Progress
    from crosshook.core.unfolding.directory import UnfoldDirectory
    from crosshook.core.unfolding.inputs import Inputs
    from crosshook.core.unfolding.specification import UnfolderSpec


@dataclass(frozen=True)
class Fitted:
    """The nominal fit.

    Attributes:
        unfolded: its result.
        losses: of the training.
        wall: seconds on the clock, of what was not there already.
        processor: seconds of the processor, likewise.
    """

    unfolded: Unfolded
    losses: tuple[float, ...]
    wall: float
    processor: float


def nominal_fit(
    spec: UnfolderSpec,
    inputs: Inputs,
    seed: int,
    directory: UnfoldDirectory,
    progress: Progress,
    draws: int = 0,
) -> Fitted:
    """Fits, or takes what a fit has left when the unfolding was stopped.

    Args:
        spec: the unfolder.
        inputs: what it is fitted to.
        seed: of the run.
        directory: of the unfolding, which keeps the result.
        progress: told how far it is.
        draws: of truth for each measured event, which go to a file; 0 for none.

    Raises:
        NumericalError: if weights are not finite.
    """
    key = fingerprint(inputs, spec.identity, seed)
    kept = kept_nominal(directory.nominal, key)
    if kept is not None:
        return Fitted(kept[0], kept[1], 0.0, 0.0)
    start, began = time.perf_counter(), time.process_time()
    with one_thread():
        rng = fit_generator(seed)
        unfolder = _begun(spec, inputs, rng, directory.begun(key), progress)
        done = unfolder.fit(inputs.simulation, inputs.measured, inputs.background, rng)
        unfolded = unfolder.unfold()
        if draws:
            drawer = cast("EventWiseUnfolder", unfolder)
            write_posterior(directory.posterior, drawer, inputs.measured, draws, seed)
    wall, processor = time.perf_counter() - start, time.process_time() - began
    unfolded = replace(unfolded, families=_one_name(unfolded.families))
    weights = unfolded.families[NOMINAL].weights
    if not bool(weights.isfinite().all()):
        bad = int((~weights.isfinite()).sum())
        message = f"{spec.identity}: {bad} of {len(weights)} nominal weights are not finite"
        raise NumericalError(message)
    losses = tuple(float(loss) for loss in done.losses)
    keep_nominal(directory.nominal, unfolded, losses, key)
    return Fitted(unfolded, losses, wall, processor)


@dataclass(frozen=True)
class _Training:
    """Keeps the state of a training in a folder; implements `TrainingStore`."""

    folder: CheckpointFolder

    def load(self) -> tuple[dict[str, Tensor], dict[str, object]] | None:
        """What was kept last; nothing if it is damaged."""
        try:
            found = self.folder.read()
        except InputError:
            return None
        return None if found is None else (found.tensors, found.values)

    def save(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """Replaces what is kept."""
        self.folder.write({}, tensors, values)


def _begun(
    spec: UnfolderSpec, inputs: Inputs, rng: torch.Generator, model: Path, progress: Progress
) -> Unfolder:
    """An unfolder that leaves its iterations or its training in a folder, and takes what is there."""
    if not spec.capabilities.resumable:
        return spec.build(inputs, rng, progress, _Training(CheckpointFolder(model, spec.identity)))
    unfolder = spec.build(inputs, rng, progress)
    slot, context = Slot.parse(json.loads(spec.slot)), spec.context(inputs, rng, progress)
    if (model / DOCUMENT).is_file():
        try:
            restore(cast("ResumableUnfolder", unfolder), model, INTERFACE, slot.use, context)
        except ModelError:
            # Stopped while it was written: nothing of it may stay.
            rng.manual_seed(rng.initial_seed())
            unfolder = spec.build(inputs, rng, progress)
    resumable = cast("ResumableUnfolder", unfolder)
    resumable.keep = lambda: save_model(resumable, model, INTERFACE, slot, context)
    return unfolder


def _one_name(families: Mapping[str, WeightFamily]) -> dict[str, WeightFamily]:
    """The family of iterations under one name, whatever the component calls it."""
    return {
        ITERATION if family.kind == ITERATION else name: family
        for name, family in families.items()
    }
