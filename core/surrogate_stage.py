"""The amplitude surrogate of a run: checked at its start, trained on points of its sampler, saved."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, cast

from crosshook.core import random
from crosshook.core.errors import ConfigurationError, ModelError
from crosshook.core.execute import one_thread
from crosshook.core.generation_result import SurrogateResult
from crosshook.core.interfaces.training import Budget, FitReport, Stateful
from crosshook.core.process.cube import CubeProcess
from crosshook.core.surrogates.amplitude_block import STAGE
from crosshook.core.surrogates.models import INTERFACE, save_surrogate, surrogate_context
from crosshook.core.surrogates.sampler_source import SampledAmplitudes
from crosshook.core.surrogates.training_set import TrainableSurrogate

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from crosshook.core.component import Slot
    from crosshook.core.config import RunConfig
    from crosshook.core.context import BuildContext
    from crosshook.core.process.scattering import ScatteringProcess
    from crosshook.core.progress import Progress
    from crosshook.core.registry import Registry
    from crosshook.core.sampling.sampler import Sampler
    from crosshook.core.surrogates.block_tasks import BlockWorkers

EVALUATIONS: Final = 100_000
"""Of |M|² for a training, unless the run file says otherwise."""
WHERE: Final = "generate.surrogate"


def check_surrogate(config: RunConfig, process: ScatteringProcess, registry: Registry) -> None:
    """Whether surrogate and unweighter need each other, and whether the surrogate can be built.

    Raises:
        ConfigurationError: if one is there without the other, or the process has no amplitudes.
        ModelError: if a saved model is none of this process.
    """
    unweighter = registry.get("unweighter", config.unweighter.use).component
    two_stage, slot = unweighter.capabilities.two_stage, config.surrogate
    if slot is None:
        if two_stage:
            message = (
                f"generate.unweighter: {unweighter.name} looks at an amplitude surrogate first; "
                f"name one in {WHERE}, or use rejection"
            )
            raise ConfigurationError(message)
        return
    if not two_stage:
        message = (
            f"{WHERE}: the unweighter {unweighter.name} makes no use of it; "
            "set generate.unweighter to two-stage"
        )
        raise ConfigurationError(message)
    if isinstance(process, CubeProcess):
        message = f"{WHERE}: {process.process.name} is a function of the unit cube without |M|²"
        raise ConfigurationError(message)
    known = registry.get(INTERFACE, slot.use).component.capabilities
    if slot.train is not None and not known.trainable:
        message = f"{WHERE}.train: {slot.use} is not trained"
        raise ConfigurationError(message)
    registry.build(INTERFACE, slot, _context(config, process, registry), WHERE)


def train_surrogate(
    config: RunConfig,
    sampler: Sampler,
    shares: Tensor,
    registry: Registry,
    progress: Progress,
    folder: Path,
    workers: BlockWorkers,
) -> tuple[SurrogateResult, bool]:
    """Trains the surrogate of a run, unless it is there already, and saves it.

    Args:
        config: the run.
        sampler: frozen; its points are trained on.
        shares: p_c, `(k,)`.
        registry: builds the component.
        progress: told how far it is.
        folder: where the model goes.
        workers: compute the points it is trained on.

    Returns:
        What was done, and whether there is a model in the folder.
    """
    process = cast("ScatteringProcess", sampler.integrand)
    slot = cast("Slot", config.surrogate)
    start = time.perf_counter()
    known = registry.get(INTERFACE, slot.use).component.capabilities
    report = FitReport(0, notes=("saved model",) if slot.model is not None else ())
    evaluations = 0
    with one_thread():
        context = _context(config, process, registry, progress)
        surrogate = registry.build(INTERFACE, slot, context, WHERE)
        if known.trainable and (slot.model is None or slot.train is not None):
            if not isinstance(surrogate, TrainableSurrogate):
                message = f"{INTERFACE} {slot.use!r} is declared trainable, but lacks fit"
                raise ModelError(message)
            source = SampledAmplitudes(
                sampler,
                shares,
                progress,
                seed=config.seed,
                block_size=config.block_size,
                allowed=config.max_invalid_fraction,
                workers=workers,
            )
            asked = cast("int", (slot.train or {}).get("evaluations", EVALUATIONS))
            report = surrogate.fit(source, Budget(asked), context)
            evaluations = source.evaluations
    if known.stateful:
        if not isinstance(surrogate, Stateful):
            message = f"{INTERFACE} {slot.use!r} is declared stateful, but lacks state"
            raise ModelError(message)
        save_surrogate(surrogate, folder, slot, context)
    seconds = time.perf_counter() - start
    result = SurrogateResult(slot.use, evaluations, report.losses, report.notes, seconds)
    return result, known.stateful


def _context(
    config: RunConfig,
    process: ScatteringProcess,
    registry: Registry,
    progress: Progress | None = None,
) -> BuildContext:
    return surrogate_context(
        len(process.assignments[0].pdg),
        device=config.device,
        rng=random.torch_generator(config.seed, STAGE),
        progress=progress,
        registry=registry,
    )
