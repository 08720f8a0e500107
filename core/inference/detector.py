"""The transfer functions of a process: built, loaded, or trained on events of a simulator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core import random
from crosshook.core.errors import RegistryError
from crosshook.core.inference.cache import checksum
from crosshook.core.inference.run_file import TRANSFER
from crosshook.core.inference.simulated import joined_features
from crosshook.core.interfaces.training import Budget, Stateful
from crosshook.core.transfer.models import load_transfer, save_transfer, transfer_context
from crosshook.core.transfer.paired import PairedEvents, PairedTable, TrainableTransfer

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.component import Slot
    from crosshook.core.inference.cache import Cache
    from crosshook.core.inference.model import ParametricModel
    from crosshook.core.inference.run_file import InferenceConfig, ProcessConfig, TransferConfig
    from crosshook.core.interfaces.transfer_function import TransferFunction
    from crosshook.core.progress import Progress

THETAS = 16
"""Parameter points the training events are simulated at."""


def build_transfer(slot: Slot, config: InferenceConfig) -> TransferFunction:
    """A transfer function that needs no training, or is trained already."""
    if slot.model is not None:
        return load_transfer(Path(slot.model), registry=config.registry)
    context = transfer_context(registry=config.registry)
    built = config.registry.build(TRANSFER, slot, context, "transfer")
    return cast("TransferFunction", built)


def transfers_of(
    process: ProcessConfig,
    model: ParametricModel,
    simulator: TransferFunction | None,
    theta: Tensor,
    config: InferenceConfig,
    cache: Cache,
    progress: Progress,
) -> tuple[TransferFunction, ...]:
    """All transfer functions of a process; those to be trained are, unless that was done before.

    Args:
        process: says which.
        model: gives true events.
        simulator: plays the detector.
        theta: parameter points of the training events, `(t, p)`.
        config: of the run.
        cache: where trained ones are kept.
        progress: told how far a training is.
    """
    found: list[TransferFunction] = []
    for transfer in process.transfers:
        if transfer.events is None:
            found.append(build_transfer(transfer.slot, config))
            continue
        assert simulator is not None
        for number in range(transfer.networks):
            simulated = process.simulator.as_dict() if process.simulator is not None else {}
            key = checksum(
                dict(process.run.document),
                process.truth,
                process.channel,
                simulated,
                transfer.slot.as_dict(),
                [transfer.events, number, config.seed],
                theta,
            )
            if not cache.has_model(key):
                stage = f"transfer/{process.name}/{transfer.slot.use}/{number}"
                rng = random.torch_generator(config.seed, stage)
                events = paired_events(model, simulator, theta, transfer.events, rng)
                _train(transfer, events, cache.model(key), rng, config, progress)
            found.append(load_transfer(cache.model(key), registry=config.registry))
    return tuple(found)


@torch.no_grad()
def paired_events(
    model: ParametricModel,
    simulator: TransferFunction,
    theta: Tensor,
    n: int,
    rng: torch.Generator,
) -> PairedEvents:
    """Weighted true events, evenly from some of the parameter points, with what is seen of them."""
    rows = torch.linspace(0, len(theta) - 1, min(THETAS, len(theta)), device="cpu").round().long()
    parts = []
    for row in rows:
        points, weights = model.sample(-(-n // len(rows)), theta[row], rng)
        truth = points.features.select(points.inside)
        weights = weights[points.inside]
        chance = torch.exp(simulator.log_acceptance(truth))
        drawn = torch.rand(len(truth), generator=rng, dtype=torch.float64, device="cpu")
        accepted = drawn.to(chance) < chance
        reco = simulator.sample(truth, 1, rng)
        parts.append(PairedEvents(truth, reco, accepted, weights / weights.mean()))
    return PairedEvents(
        joined_features([part.truth for part in parts]),
        joined_features([part.reco for part in parts]),
        torch.cat([part.accepted for part in parts]),
        torch.cat([part.weight for part in parts]),
    )


def _train(
    transfer: TransferConfig,
    events: PairedEvents,
    directory: Path,
    rng: torch.Generator,
    config: InferenceConfig,
    progress: Progress,
) -> None:
    context = transfer_context(registry=config.registry, rng=rng, progress=progress)
    built = config.registry.build(TRANSFER, transfer.slot, context, "transfer")
    if not isinstance(built, TrainableTransfer) or not isinstance(built, Stateful):
        message = f"{TRANSFER} {transfer.slot.use!r} is declared trainable, but lacks fit or state"
        raise RegistryError(message)
    built.fit(PairedTable(events), Budget(len(events)), context)
    save_transfer(built, directory, transfer.slot, context)
