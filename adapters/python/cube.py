"""The process component `python`: a batched function of the unit cube."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crosshook.adapters.python.target import load_function
from crosshook.core.amplitudes.description import (
    colour_flows_of,
    label_of,
    leg_masses,
    resonances_of,
)
from crosshook.core.errors import ConfigurationError
from crosshook.core.inference.model import Parameter
from crosshook.core.interfaces.matrix_element import Subprocess
from crosshook.core.process.cube import N_INCOMING, CubeFunction, CubeTruth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.core.amplitudes.options import Plain
    from crosshook.core.context import BuildContext

WHERE = "process.python"


def make_python(
    context: BuildContext,
    *,
    function: str,
    dimensions: int,
    backend: str,
    pdg: list[int],
    masses: list[float],
    colour_flow: list[list[int]],
    resonances: list[Plain],
    parameters: dict[str, Mapping[str, Any]],
    truth: Mapping[str, Any] | None,
    name: str,
) -> CubeFunction:
    """Builds the process of a function.

    Args:
        context: unused: arrays live where the points do.
        function: `module:function` or `path/file.py:function`.
        dimensions: of the cube.
        backend: whose arrays it takes and gives.
        pdg: PDG ids of the legs whose momenta it gives; empty if it gives none.
        masses: of the legs in GeV.
        colour_flow: of its events.
        resonances: intermediate particles to write.
        parameters: of the function, by name.
        truth: what a detector is told of points.
        name: for people.

    Raises:
        ConfigurationError: if there is no such function, or what is said of it is no process.
    """
    found = load_function(function, f"{WHERE}.function")
    legs = tuple(pdg) or (0, 0)
    if pdg and len(pdg) < N_INCOMING + 1:
        message = f"{WHERE}.pdg: {len(pdg)} legs; needed are 2 incoming and at least 1 outgoing"
        raise ConfigurationError(message)
    flows = colour_flows_of([colour_flow] if colour_flow else [], legs, N_INCOMING, WHERE)
    shown = name or (label_of(legs, N_INCOMING) if pdg else function)
    subprocess = Subprocess(legs, 0, 1, shown, flows)
    return CubeFunction(
        found,
        dimensions,
        subprocess,
        leg_masses(legs, masses, None, WHERE) if pdg else (0.0, 0.0),
        shown,
        backend,
        resonances_of(resonances),
        parameters=tuple(_parameter(name, given) for name, given in parameters.items()),
        truth=None if truth is None else _truth(truth),
    )


def _parameter(name: str, given: Mapping[str, Any]) -> Parameter:
    value, (low, high) = float(given["value"]), given["range"]
    if not low <= value <= high:
        message = f"{WHERE}.parameters.{name}: {value:g} is outside of its range [{low}, {high}]"
        raise ConfigurationError(message)
    return Parameter(name, value, float(low), float(high), given.get("period"))


def _truth(given: Mapping[str, Any]) -> CubeTruth:
    names, units = tuple(given["names"]), tuple(given["units"])
    if units and len(units) != len(names):
        message = f"{WHERE}.truth.units: {len(units)} units for {len(names)} names"
        raise ConfigurationError(message)
    function = load_function(given["function"], f"{WHERE}.truth.function")
    return CubeTruth(function, names, units or ("",) * len(names))
