"""The transfer functions of a process: built, loaded, or trained on events of a simulator.

All are judged on events that none has seen: what learned by `crosshook transfer train` or here, where
the judgement is kept beside the model; what has a formula by events of the simulator, or of its own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core import random
from crosshook.core.errors import InputError, RegistryError
from crosshook.core.inference.cache import checksum
from crosshook.core.inference.pairs import points_by_weight
from crosshook.core.inference.run_file import TRANSFER
from crosshook.core.inference.simulated import joined_features
from crosshook.core.interfaces.training import Budget, Stateful
from crosshook.core.json_text import parse_json
from crosshook.core.report.reading import read_record
from crosshook.core.results import as_json
from crosshook.core.transfer.directory import TransferDirectory
from crosshook.core.transfer.evaluation import FEWEST, TransferEvaluation, evaluate_transfer
from crosshook.core.transfer.models import load_transfer, save_transfer, transfer_context
from crosshook.core.transfer.paired import PairedEvents, PairedTable, TrainableTransfer
from crosshook.core.transfer.result import TransferReport
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.component import Slot
    from crosshook.core.inference.cache import Cache
    from crosshook.core.inference.config import InferenceConfig, ProcessConfig, TransferConfig
    from crosshook.core.inference.model import ParametricModel
    from crosshook.core.interfaces.transfer_function import TransferFunction
    from crosshook.core.progress import Progress

JUDGEMENT = "evaluation.json"
JUDGED = 3000
"""Simulated events that a transfer function is judged on, lost ones included."""
THETAS = 16
"""Parameter points the training events are simulated at."""


@dataclass(frozen=True)
class Detector:
    """A transfer function, and how good it is.

    Attributes:
        function: the transfer function.
        name: of its component, with the number of the network where there are several.
        judgement: None if too few events were accepted, or it only plays the detector.
        own_events: it was judged on events of its own, which shows whether draws follow the density
            and no more.
    """

    function: TransferFunction
    name: str
    judgement: TransferEvaluation | None
    own_events: bool = False


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
) -> tuple[Detector, ...]:
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
    found: list[Detector] = []
    simulated = process.simulator.as_dict() if process.simulator is not None else {}
    for transfer in process.transfers:
        made_of = [
            dict(process.run.document),
            process.truth,
            process.channel,
            simulated,
            transfer.slot.as_dict(),
        ]
        if transfer.events is None:
            directory = cache.model(checksum(*made_of, [JUDGED, config.seed], theta))
            found.append(_given(transfer.slot, model, simulator, theta, config, directory))
            continue
        assert simulator is not None
        for number in range(transfer.networks):
            key = checksum(*made_of, [transfer.events, number, config.seed], theta)
            if not cache.has_model(key):
                stage = f"transfer/{process.name}/{transfer.slot.use}/{number}"
                rng = random.torch_generator(config.seed, stage)
                events = paired_events(model, simulator, theta, transfer.events, rng)
                fresh = paired_events(model, simulator, theta, JUDGED, rng)
                _train(transfer, events, fresh, cache.model(key), rng, config, progress)
            function = load_transfer(cache.model(key), registry=config.registry)
            name = transfer.slot.use
            if transfer.networks > 1:
                name = f"{name} {number + 1}"
            found.append(Detector(function, name, judgement_of(cache.model(key))))
    return tuple(found)


def _given(
    slot: Slot,
    model: ParametricModel,
    simulator: TransferFunction | None,
    theta: Tensor,
    config: InferenceConfig,
    directory: Path,
) -> Detector:
    """A transfer function that is not trained here, judged now if it never was."""
    function = build_transfer(slot, config)
    known = None if slot.model is None else judgement_of(Path(slot.model))
    if known is not None:
        return Detector(function, slot.use, known)
    if not (directory / JUDGEMENT).is_file():
        rng = random.torch_generator(config.seed, f"judgement/{model.name}/{slot.use}")
        player = simulator if simulator is not None else function
        _judge(function, paired_events(model, player, theta, JUDGED, rng), directory, rng)
    return Detector(function, slot.use, judgement_of(directory), simulator is None)


@torch.no_grad()
def paired_events(
    model: ParametricModel,
    simulator: TransferFunction,
    theta: Tensor,
    n: int,
    rng: torch.Generator,
) -> PairedEvents:
    """True events evenly from some of the parameter points, with what is seen of them.

    True points of large weights come several times, each with a reconstruction of its own: what is
    learned of them is how they are seen.
    """
    rows = torch.linspace(0, len(theta) - 1, min(THETAS, len(theta)), device="cpu").round().long()
    each = -(-n // len(rows))
    truth = joined_features(
        [points_by_weight(model, theta[row], each, rng).features for row in rows]
    )
    chance = torch.exp(simulator.log_acceptance(truth))
    drawn = torch.rand(len(truth), generator=rng, dtype=torch.float64, device="cpu")
    accepted = drawn.to(chance) < chance
    return PairedEvents(truth, simulator.sample(truth, 1, rng), accepted, torch.ones_like(chance))


def _train(
    transfer: TransferConfig,
    events: PairedEvents,
    fresh: PairedEvents,
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
    _judge(cast("TransferFunction", built), fresh, directory, rng)
    save_transfer(built, directory, transfer.slot, context)


def _judge(
    function: TransferFunction, fresh: PairedEvents, directory: Path, rng: torch.Generator
) -> None:
    if int(fresh.accepted.sum()) >= FEWEST:
        judged = evaluate_transfer(function, fresh, rng)
        write_whole(directory / JUDGEMENT, json.dumps(as_json(judged), allow_nan=False))


def judgement_of(model: Path) -> TransferEvaluation | None:
    """What was found when a model was trained: here, or by `crosshook transfer train`.

    Raises:
        InputError: if it is there and cannot be read.
    """
    own, report = model / JUDGEMENT, TransferDirectory(model.parent).report
    try:
        if own.is_file():
            return read_record(
                parse_json(own.read_text("utf-8")), TransferEvaluation, "evaluation"
            )
        if model == TransferDirectory(model.parent).model and report.is_file():
            document = parse_json(report.read_text("utf-8"))
            return read_record(document, TransferReport, "report").evaluation
    except (OSError, ValueError, InputError) as error:
        message = f"{own if own.is_file() else report}: not a report of a training: {error}"
        raise InputError(message) from error
    return None
