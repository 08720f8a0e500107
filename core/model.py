"""Trained components on disk: tensors and JSON only, so that loading runs no stranger's code.

A model is a directory with `model.safetensors` and `model.json`: format, interface, component
name, interface version, options, the shape of the context it was trained in, and the checksum of
the tensors. It is rebuilt by registry name, never by import path.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, cast

from crosshook.core.component import Slot
from crosshook.core.errors import ModelError, brief
from crosshook.core.interfaces import INTERFACES
from crosshook.core.json_text import parse_json
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.training import Stateful
    from crosshook.core.registry import Registry

FORMAT = "crosshook-model/1"
TENSORS = "model.safetensors"
DOCUMENT = "model.json"
FIELDS: dict[str, type] = {
    "interface": str,
    "component": str,
    "api": int,
    "options": dict,
    "context": dict,
    "state": dict,
    "sha256": str,
}
"""What model.json holds besides its format; it may come from strangers."""


def save_model(
    built: Stateful, directory: Path, interface: str, slot: Slot, context: BuildContext
) -> None:
    """Writes a component's state.

    Args:
        built: the component.
        directory: made if missing; a model already there is replaced.
        interface: what the component implements.
        slot: the component's name and its resolved options.
        context: the context it was built in.

    Raises:
        OutputError: if it cannot be written.
    """
    from safetensors.torch import save

    tensors, values = built.state()
    data = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    document = {
        "format": FORMAT,
        "interface": interface,
        "component": slot.use,
        "api": INTERFACES[interface].api,
        "options": dict(slot.options),
        "context": context.shape(),
        "state": values,
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    write_whole(directory / TENSORS, data)
    write_whole(directory / DOCUMENT, json.dumps(document, indent=1))


def read_document(directory: Path) -> dict[str, object]:
    """The checked `model.json` of a model directory.

    Raises:
        ModelError: if it is missing, damaged or of another format.
    """
    path = directory / DOCUMENT
    try:
        document = parse_json(path.read_text("utf-8"))
    except OSError as error:
        message = f"{directory}: no model here: {error.strerror} ({DOCUMENT})"
        raise ModelError(message) from error
    except ValueError as error:
        message = f"{path}: not JSON: {error}"
        raise ModelError(message) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        message = f"{path}: not a model of format {FORMAT}"
        raise ModelError(message)
    wrong = [name for name, kind in FIELDS.items() if not isinstance(document.get(name), kind)]
    if wrong:
        message = f"{path}: damaged: {', '.join(wrong)} missing or of another type"
        raise ModelError(message)
    return document


def saved_options(directory: Path, interface: str, name: str) -> dict[str, object]:
    """The options a component's model was trained with.

    Raises:
        ModelError: if there is no model, or it is another component's.
    """
    return cast("dict[str, object]", _document_of(directory, interface, name)["options"])


def _document_of(directory: Path, interface: str, name: str) -> dict[str, object]:
    document = read_document(directory)
    # `NAME` and `PLUGIN/NAME` are the same component: the registry has told them apart already.
    saved = str(document["component"]).rpartition("/")[2]
    if (document["interface"], saved) != (interface, name.rpartition("/")[2]):
        message = (
            f"{directory}: a model of {document['interface']} {document['component']!r}, "
            f"not of {interface} {name!r}"
        )
        raise ModelError(message)
    return document


def restore(
    built: Stateful, directory: Path, interface: str, name: str, context: BuildContext
) -> None:
    """Loads a saved state into a component.

    Raises:
        ModelError: if the model belongs to another component or shape, or its checksum is wrong.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    document = _document_of(directory, interface, name)
    known = INTERFACES[interface]
    api = cast("int", document["api"])
    if not known.oldest_api <= api <= known.api:
        message = f"{directory}: saved for {interface} api {api}; this crosshook knows {known.api}"
        raise ModelError(message)
    if document["context"] != context.shape():
        message = f"{directory}: trained for {document['context']}, needed for {context.shape()}"
        raise ModelError(message)
    try:
        data = (directory / TENSORS).read_bytes()
    except OSError as error:
        message = f"{directory}: {TENSORS}: {error.strerror}"
        raise ModelError(message) from error
    if hashlib.sha256(data).hexdigest() != document["sha256"]:
        message = f"{directory}: {TENSORS} does not match its checksum"
        raise ModelError(message)
    try:
        found = load(data)
    except SafetensorError as error:
        message = f"{directory}: {TENSORS}: {brief(error)}"
        raise ModelError(message) from error
    tensors = {key: value.to(context.torch_device) for key, value in found.items()}
    try:
        built.load_state(tensors, cast("dict[str, object]", document["state"]))
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        message = f"{directory}: does not fit {interface} {name!r} as it is built: {brief(error)}"
        raise ModelError(message) from error


def load_model(directory: Path, context: BuildContext, registry: Registry | None = None) -> object:
    """Rebuilds a trained component from its directory.

    Args:
        directory: as written by `save_model`.
        context: must have the shape the model was trained in.
        registry: where its component is looked up; everything installed if None.
    """
    from crosshook.core.registry import default_registry

    document = read_document(directory)
    slot = Slot(
        use=str(document["component"]),
        options=cast("dict[str, object]", document["options"]),
        model=str(directory),
    )
    chosen = registry if registry is not None else default_registry()
    return chosen.build(str(document["interface"]), slot, context)
