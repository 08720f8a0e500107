"""Transfer functions built, saved and loaded by themselves, outside a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from crosshook.core.context import BuildContext
from crosshook.core.errors import ModelError
from crosshook.core.model import load_model, read_document, save_model

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from crosshook.core.component import Slot
    from crosshook.core.interfaces.training import Stateful, TrainingStore
    from crosshook.core.interfaces.transfer_function import TransferFunction
    from crosshook.core.progress import Progress
    from crosshook.core.registry import Registry

INTERFACE = "transfer_function"


def transfer_context(
    *,
    device: str = "cpu",
    rng: torch.Generator | None = None,
    progress: Progress | None = None,
    registry: Registry | None = None,
    store: TrainingStore | None = None,
) -> BuildContext:
    """The context transfer functions are built, trained and loaded in: their columns come with the
    events.

    Args:
        device: where tensors live.
        rng: for the training.
        progress: told how far it is.
        registry: where nested components come from; everything installed if None.
        store: keeps the state of the training, or None.
    """
    context = BuildContext(device=device, rng=rng, registry=registry, store=store)
    return context if progress is None else context.with_(progress=progress)


def save_transfer(function: object, directory: Path, slot: Slot, context: BuildContext) -> None:
    """Writes a trained transfer function; see `save_model`."""
    save_model(cast("Stateful", function), directory, INTERFACE, slot, context)


def load_transfer(
    directory: Path, *, device: str = "cpu", registry: Registry | None = None
) -> TransferFunction:
    """Loads a trained transfer function.

    Args:
        directory: of the model.
        device: where it will run.
        registry: where its component is looked up; everything installed if None.

    Raises:
        ModelError: if there is no such model there.
    """
    document = read_document(directory)
    if document["interface"] != INTERFACE:
        message = f"{directory}: a model of {document['interface']}, not of {INTERFACE}"
        raise ModelError(message)
    context = transfer_context(device=device, registry=registry)
    return cast("TransferFunction", load_model(directory, context, registry))
