"""Surrogates built, saved and loaded by themselves, outside a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from crosshook.core.context import BuildContext
from crosshook.core.errors import ModelError
from crosshook.core.model import load_model, read_document, save_model

if TYPE_CHECKING:
    import torch

    from crosshook.core.component import Slot
    from crosshook.core.interfaces.amplitude_surrogate import AmplitudeSurrogate
    from crosshook.core.interfaces.training import Stateful, TrainingStore
    from crosshook.core.progress import Progress
    from crosshook.core.registry import Registry

INTERFACE = "amplitude_surrogate"


def surrogate_context(
    legs: int,
    *,
    device: str = "cpu",
    rng: torch.Generator | None = None,
    progress: Progress | None = None,
    registry: Registry | None = None,
    store: TrainingStore | None = None,
) -> BuildContext:
    """The context surrogates are built, trained and loaded in: they are told the number of legs.

    Args:
        legs: of every subprocess.
        device: where tensors live.
        rng: for the training.
        progress: told how far it is.
        registry: where nested components come from; everything installed if None.
        store: keeps the state of the training, or None.
    """
    context = BuildContext(legs=legs, device=device, rng=rng, registry=registry, store=store)
    return context if progress is None else context.with_(progress=progress)


def save_surrogate(surrogate: object, directory: Path, slot: Slot, context: BuildContext) -> None:
    """Writes a trained surrogate; see `save_model`."""
    save_model(cast("Stateful", surrogate), directory, INTERFACE, slot, context)


def load_surrogate(
    directory: Path | str, *, device: str = "cpu", registry: Registry | None = None
) -> AmplitudeSurrogate:
    """Loads a trained surrogate.

    Args:
        directory: of the model.
        device: where it will run.
        registry: where its component is looked up; everything installed if None.

    Raises:
        ModelError: if there is no such model there.
    """
    directory = Path(directory)
    document = read_document(directory)
    if document["interface"] != INTERFACE:
        message = f"{directory}: a model of {document['interface']}, not of {INTERFACE}"
        raise ModelError(message)
    legs = cast("dict[str, object]", document["context"]).get("legs")
    if not isinstance(legs, int):
        message = f"{directory}: damaged: the context has no number of legs"
        raise ModelError(message)
    context = surrogate_context(legs, device=device, registry=registry)
    return cast("AmplitudeSurrogate", load_model(directory, context, registry))
