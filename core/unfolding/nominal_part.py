"""The nominal result of an unfolding on its way, kept so that going on does not fit it again."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.unfolder import Unfolded, WeightFamily
from crosshook.core.unfolding.inputs import to_bytes
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from crosshook.core.unfolding.inputs import Inputs

KEY = "nominal"


def fingerprint(inputs: Inputs, identity: str, seed: int) -> str:
    """What a fit depends on, as a digest."""
    digest = hashlib.sha256(to_bytes(inputs))
    digest.update(f"\n{identity}\n{seed}".encode())
    return digest.hexdigest()


def keep_nominal(path: Path, unfolded: Unfolded, losses: tuple[float, ...], key: str) -> None:
    """Writes a result.

    Args:
        path: of the file.
        unfolded: the result.
        losses: of the fit.
        key: its fingerprint.
    """
    truth = unfolded.truth
    tensors: dict[str, Tensor] = {"truth": truth.dense}
    for name, (values, mask) in truth.sets.items():
        tensors[f"values {name}"], tensors[f"mask {name}"] = values, mask
    for name, family in unfolded.families.items():
        tensors[f"family {name}"] = family.weights
    document = {
        "key": key,
        "names": truth.names,
        "units": truth.units,
        "sets": list(truth.sets),
        "set_names": {name: list(columns) for name, columns in truth.set_names.items()},
        "set_units": {name: list(units) for name, units in truth.set_units.items()},
        "families": {name: [f.kind, list(f.labels)] for name, f in unfolded.families.items()},
        "notes": unfolded.notes,
        "losses": losses,
    }
    flat = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_whole(path, save(flat, metadata={KEY: json.dumps(document)}))


def kept_nominal(path: Path, key: str) -> tuple[Unfolded, tuple[float, ...]] | None:
    """The result in a file, and the losses of its fit; None if it is of another fit or damaged."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            document = json.loads(file.metadata()[KEY])
            if document["key"] != key:
                return None
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError):
        return None
    truth = Features(
        tensors["truth"],
        tuple(document["names"]),
        tuple(document["units"]),
        {name: (tensors[f"values {name}"], tensors[f"mask {name}"]) for name in document["sets"]},
        {name: tuple(columns) for name, columns in document["set_names"].items()},
        {name: tuple(units) for name, units in document["set_units"].items()},
    )
    families = {
        name: WeightFamily(kind, tensors[f"family {name}"], tuple(labels))
        for name, (kind, labels) in document["families"].items()
    }
    return Unfolded(truth, families, tuple(document["notes"])), tuple(document["losses"])
