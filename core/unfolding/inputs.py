"""What an unfolder is fitted to, as one thing: copied by rows, saved for tasks, recognised again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from safetensors import safe_open
from safetensors.torch import save

from crosshook.core.errors import InputError
from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.unfolder import Measured, Simulation
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor


@dataclass(frozen=True)
class Inputs:
    """Simulated, measured and background events.

    Attributes:
        simulation: n rows.
        measured: m rows.
        background: simulated background among the measured events, or None.
    """

    simulation: Simulation
    measured: Measured
    background: Measured | None = None

    def reweighted(
        self,
        simulation: Tensor | None = None,
        measured: Tensor | None = None,
        background: Tensor | None = None,
    ) -> Inputs:
        """The same events with weights multiplied by factors, one a row."""
        made = self
        if simulation is not None:
            weight = made.simulation.weight * simulation
            made = replace(made, simulation=replace(made.simulation, weight=weight))
        if measured is not None:
            weight = made.measured.weight * measured
            made = replace(made, measured=replace(made.measured, weight=weight))
        if background is not None and made.background is not None:
            weight = made.background.weight * background
            made = replace(made, background=replace(made.background, weight=weight))
        return made


def to_bytes(inputs: Inputs) -> bytes:
    """The inputs as the bytes of a safetensors file; equal inputs give equal bytes."""
    tensors: dict[str, Tensor] = {}
    names: dict[str, object] = {}
    simulation = inputs.simulation
    parts: dict[str, Features] = {
        "simulation.truth": simulation.truth,
        "simulation.reco": simulation.reco,
        "measured.reco": inputs.measured.reco,
    }
    tensors["simulation.weight"] = simulation.weight
    tensors["simulation.has_truth"] = simulation.has_truth
    tensors["simulation.has_reco"] = simulation.has_reco
    tensors["measured.weight"] = inputs.measured.weight
    if inputs.background is not None:
        parts["background.reco"] = inputs.background.reco
        tensors["background.weight"] = inputs.background.weight
    for part, features in parts.items():
        tensors[f"{part}.dense"] = features.dense
        for name, (values, mask) in features.sets.items():
            tensors[f"{part}.sets.{name}.values"] = values
            tensors[f"{part}.sets.{name}.mask"] = mask
        names[part] = {
            "names": features.names,
            "units": features.units,
            "sets": list(features.sets),
            "set_names": dict(features.set_names),
            "set_units": dict(features.set_units),
        }
    # Copies, because safetensors refuses tensors that share memory.
    flat = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    return save(flat, metadata={"features": json.dumps(names)})


def write_inputs(inputs: Inputs, folder: Path) -> tuple[Path, str]:
    """Writes the inputs for tasks to read, unless they are there.

    Returns:
        The path, and their sha256, which names the file.
    """
    content = to_bytes(inputs)
    checksum = hashlib.sha256(content).hexdigest()
    path = folder / f"inputs-{checksum[:16]}.safetensors"
    if not path.exists():
        write_whole(path, content)
    return path, checksum


def read_inputs(path: Path, device: str = "cpu") -> Inputs:
    """Reads what `write_inputs` wrote.

    Raises:
        InputError: if there is no such file.
    """
    try:
        with safe_open(path, framework="pt", device=device) as file:
            names = json.loads(file.metadata()["features"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except OSError as error:
        message = f"{path}: the inputs of the replicas cannot be read: {error}"
        raise InputError(message) from error

    def features(part: str) -> Features:
        said = names[part]
        return Features(
            tensors[f"{part}.dense"],
            tuple(said["names"]),
            tuple(said["units"]),
            {
                name: (
                    tensors[f"{part}.sets.{name}.values"],
                    tensors[f"{part}.sets.{name}.mask"],
                )
                for name in said["sets"]
            },
            {name: tuple(columns) for name, columns in said["set_names"].items()},
            {name: tuple(units) for name, units in said["set_units"].items()},
        )

    simulation = Simulation(
        features("simulation.truth"),
        features("simulation.reco"),
        tensors["simulation.weight"],
        tensors["simulation.has_truth"],
        tensors["simulation.has_reco"],
    )
    measured = Measured(features("measured.reco"), tensors["measured.weight"])
    background = None
    if "background.weight" in tensors:
        background = Measured(features("background.reco"), tensors["background.weight"])
    return Inputs(simulation, measured, background)
