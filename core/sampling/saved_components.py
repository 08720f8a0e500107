"""Saves trained components of a run: blocks are computed by copies of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.errors import ModelError
from crosshook.core.interfaces.training import Stateful
from crosshook.core.model import save_model
from crosshook.core.sampling.build import MAPPING, WARM, WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crosshook.core.component import Slot
    from crosshook.core.config import RunConfig
    from crosshook.core.context import BuildContext
    from crosshook.core.registry import Registry
    from crosshook.core.sampling.sampler import Sampler


def save_component(
    interface: str,
    slot: Slot,
    component: object,
    context: BuildContext,
    registry: Registry,
    folder: Path,
) -> bool:
    """Saves a component that has a state.

    Args:
        interface: of the component.
        slot: its place in the run file.
        component: fitted.
        context: it was built in.
        registry: knows whether it has a state.
        folder: where it goes.

    Returns:
        Whether it has one.

    Raises:
        ModelError: if it is declared stateful, but is not.
    """
    if not registry.get(interface, slot.use).component.capabilities.stateful:
        return False
    if not isinstance(component, Stateful):
        message = f"{interface} {slot.use!r} is declared stateful, but lacks state or load_state"
        raise ModelError(message)
    save_model(component, folder, interface, slot, context)
    return True


def save_components(
    sampler: Sampler,
    config: RunConfig,
    context: BuildContext,
    registry: Registry,
    folder_of: Callable[[str], Path],
) -> dict[str, Path]:
    """Saves the components of a sampler that have a state.

    Args:
        sampler: trained.
        config: has their slots.
        context: the sampler's components were built in.
        registry: knows which of them have a state.
        folder_of: the directory of a component, by its name.

    Returns:
        The directories of what was saved, by name; see `SamplerSpec`.

    Raises:
        ModelError: if a component is declared stateful, but is not.
    """
    composition = sampler.composition
    parts = [
        (MAPPING, MAPPING, config.channel_mapping, sampler.mapping, composition.context(context)),
        (WEIGHTS, WEIGHTS, config.channel_weights, sampler.weights, context),
    ]
    if composition.warm_start is not None and sampler.warm is not None:
        inner = context.with_(discrete=())
        parts.append((WARM, MAPPING, composition.warm_start, sampler.warm, inner))
    return {
        name: folder_of(name)
        for name, interface, slot, component, built_in in parts
        if save_component(interface, slot, component, built_in, registry, folder_of(name))
    }
