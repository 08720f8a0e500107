"""Results kept on disk under the checksum of everything they depend on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError
from safetensors.torch import load, save

from crosshook.core.model import DOCUMENT, read_document
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


VERSION = 3
"""Of what is computed: results of an older one are not found again."""


def checksum(*parts: object) -> str:
    """The digest of documents and tensors.

    Files of functions are part of what is said of them: `path/file.py:name` counts with the file's
    content, and a `model` with the checksum of its tensors.

    Args:
        parts: JSON values, tensors and features.
    """
    digest = hashlib.sha256(f"crosshook-inference/{VERSION}".encode())
    for part in parts:
        _add(digest, part)
    return digest.hexdigest()[:32]


def _add(digest: hashlib._Hash, part: object) -> None:
    import torch

    from crosshook.core.interfaces.features import Features

    if isinstance(part, Features):
        digest.update(json.dumps([list(part.names), list(part.units)]).encode())
        _add(digest, part.dense)
        for name in sorted(part.sets):
            digest.update(name.encode())
            for tensor in part.sets[name]:
                _add(digest, tensor)
    elif isinstance(part, torch.Tensor):
        digest.update(f"{part.dtype}{tuple(part.shape)}".encode())
        digest.update(part.detach().cpu().contiguous().numpy().tobytes())
    else:
        digest.update(json.dumps(_with_files(part), sort_keys=True).encode())


def _with_files(value: object) -> object:
    if isinstance(value, dict):
        made = {key: _with_files(inner) for key, inner in value.items()}
        model = value.get("model")
        if isinstance(model, str) and (Path(model) / DOCUMENT).is_file():
            made["model"] = read_document(Path(model))["sha256"]
        return made
    if isinstance(value, (list, tuple)):
        return [_with_files(inner) for inner in value]
    if isinstance(value, str):
        home = Path(value.rpartition(":")[0])
        if home.suffix == ".py" and home.is_file():
            return [value, hashlib.sha256(home.read_bytes()).hexdigest()]
    return value


class Cache:
    """A folder of results.

    Attributes:
        folder: where they are.
        found: how often tensors asked for were there.
    """

    def __init__(self, folder: Path) -> None:
        """Names a folder; it is made when something is kept."""
        self.folder = folder
        self.found = 0

    def model(self, key: str) -> Path:
        """Where the model of this checksum is, or goes."""
        return self.folder / f"model-{key}"

    def has_model(self, key: str) -> bool:
        """Whether it is there."""
        return (self.model(key) / DOCUMENT).is_file()

    def tensors(self, key: str) -> dict[str, Tensor] | None:
        """What was kept under a checksum; None if nothing was, or the file is damaged."""
        try:
            kept = load((self.folder / f"{key}.safetensors").read_bytes())
        except (FileNotFoundError, SafetensorError):
            return None
        self.found += 1
        return kept

    def keep(self, key: str, tensors: Mapping[str, Tensor]) -> None:
        """Keeps tensors under a checksum."""
        data = save({name: value.contiguous() for name, value in tensors.items()})
        write_whole(self.folder / f"{key}.safetensors", data)
