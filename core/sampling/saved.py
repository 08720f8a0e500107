"""Trained samplers on disk: `DIR/sampler.json` with a model of each component beside it.

`open_sampler` reads such a directory, and that of a run just as well.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch

from crosshook.core.component import Slot
from crosshook.core.config import from_document
from crosshook.core.context import BuildContext
from crosshook.core.errors import ModelError
from crosshook.core.execute import one_thread
from crosshook.core.interfaces.training import Stateful
from crosshook.core.json_text import parse_json
from crosshook.core.model import save_model
from crosshook.core.registry import default_registry
from crosshook.core.run_directory import RunDirectory
from crosshook.core.sampling.build import (
    MAPPING,
    WARM,
    WEIGHTS,
    build_components,
    build_context,
    build_process,
    build_sampler,
    check_device,
)
from crosshook.core.sampling.composition import Composition
from crosshook.core.sampling.trained import TrainedSampler
from crosshook.core.whole_file import write_whole

FORMAT = "crosshook-sampler/1"
DOCUMENT = "sampler.json"


def save_sampler(sampler: TrainedSampler, directory: Path) -> None:
    """Writes a sampler; see `TrainedSampler.save`.

    Args:
        sampler: that of a run loses its phase space.
        directory: made if missing; a sampler already there is replaced.

    Raises:
        OutputError: if it cannot be written.
    """
    composition, context = sampler.composition, sampler.context
    kept = [
        (MAPPING, MAPPING, sampler.mapping, sampler.slots[MAPPING], composition.context(context)),
        (WEIGHTS, WEIGHTS, sampler.weights, sampler.slots[WEIGHTS], context),
    ]
    if composition.warm_start is not None:
        inner = context.with_(discrete=())
        kept.append((WARM, MAPPING, sampler.warm, composition.warm_start, inner))
    for name, interface, built, slot, shape in kept:
        if isinstance(built, Stateful):
            save_model(built, directory / name, interface, slot, shape)
    document = {
        "format": FORMAT,
        "context": sampler.context.shape(),
        "channels": list(sampler.channels),
        "shares": sampler.shares.tolist(),
        "composition": composition.as_json(),
        "slots": {
            name: Slot(slot.use, slot.options).as_dict() for name, slot in sampler.slots.items()
        },
    }
    write_whole(directory / DOCUMENT, json.dumps(document, indent=1))


def open_sampler(directory: str | Path, *, device: str = "cpu") -> TrainedSampler:
    """A trained sampler from disk, to draw points and get their density without the integrand.

    Args:
        directory: of a run, or written by `TrainedSampler.save`.
        device: where points live, for a sampler of a function; a run has its own.

    Returns:
        The sampler; that of a run has its `phase_space` too, which gives momenta.

    Raises:
        ModelError: if there is no sampler.
    """
    path = Path(directory)
    if (path / DOCUMENT).is_file():
        return _of_function(path, device)
    run = RunDirectory(path)
    if run.resolved.is_file():
        return _of_run(run)
    message = f"{path}: no sampler here: neither {DOCUMENT} nor {run.resolved.name}"
    raise ModelError(message)


def _of_function(path: Path, device: str) -> TrainedSampler:
    check_device(device)
    try:
        document = parse_json((path / DOCUMENT).read_text("utf-8"))
        if document["format"] != FORMAT:
            message = f"{path / DOCUMENT}: not a sampler of format {FORMAT}"
            raise ModelError(message)
        shape = document["context"]
        context = BuildContext(
            dimensions=shape["dimensions"],
            discrete=tuple(shape["discrete"]),
            channels=shape["channels"],
            legs=shape["legs"],
            features=tuple(shape["features"]),
            condition_size=shape["condition_size"],
            device=device,
            rng=torch.Generator(device="cpu"),
        )
        slots = {name: Slot.parse(slot) for name, slot in document["slots"].items()}
        channels = tuple(document["channels"])
        shares = torch.tensor(document["shares"], dtype=torch.float64, device="cpu")
        composition = Composition.from_json(document["composition"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{path / DOCUMENT}: damaged: {error}"
        raise ModelError(message) from error
    registry = default_registry()
    for interface, slot in slots.items():
        if registry.get(interface, slot.use).component.capabilities.stateful:
            slots[interface] = replace(slot, model=str(path / interface))
    warm = str(path / WARM) if composition.warm_start is not None else None
    built = build_components(slots, composition, context, registry, warm)
    return TrainedSampler(
        built.mapping,
        built.weights,
        shares,
        channels,
        context,
        slots,
        composition=composition,
        warm=built.warm,
    )


def _of_run(run: RunDirectory) -> TrainedSampler:
    config = from_document(run.read_json(run.resolved))
    integration = cast(
        "dict[str, list[dict[str, float]]]", run.read_json(run.report)["integration"]
    )
    registry = default_registry(config.disable)
    with one_thread():
        process = build_process(config, registry)
        folders = {slot: str(run.model(slot)) for slot in run.trained()}
        composition = Composition.from_json(run.read_json(run.composition))
        sampler = build_sampler(config, process, registry, folders, composition)
    return TrainedSampler(
        sampler.mapping,
        sampler.weights,
        torch.tensor(
            [c["share"] for c in integration["channels"]], dtype=torch.float64, device="cpu"
        ),
        process.channels,
        build_context(config, process, None),
        {MAPPING: config.channel_mapping, WEIGHTS: config.channel_weights},
        process.phase_space,
        composition=composition,
        warm=sampler.warm,
    )
