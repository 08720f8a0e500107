"""What a task needs to build an unfolder: data that can travel, and the generators of its fits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from crosshook.core import random
from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.execute import one_thread
from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    import torch

    from crosshook.core.component import Capabilities
    from crosshook.core.interfaces.training import TrainingStore
    from crosshook.core.interfaces.unfolder import Unfolded, Unfolder
    from crosshook.core.progress import Progress
    from crosshook.core.unfolding.inputs import Inputs

INTERFACE = "unfolder"


class Builder(Protocol):
    """Makes unfolders; can be pickled."""

    @property
    def identity(self) -> str:
        """A text that differs wherever the unfolders do."""
        ...

    def build(self, inputs: Inputs, rng: torch.Generator, progress: Progress | None) -> Unfolder:
        """A fresh unfolder."""
        ...


@dataclass(frozen=True)
class UnfolderSpec:
    """An unfolder of the registry.

    Attributes:
        slot: its place in the run file, as JSON.
        device: where tensors live.
        disable: plugins and components to leave out.
    """

    slot: str
    device: str = "cpu"
    disable: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        slot: Slot | str | Mapping[str, object],
        device: str = "cpu",
        disable: tuple[str, ...] = (),
    ) -> UnfolderSpec:
        """The specification of a slot, in any of its forms."""
        return cls(json.dumps(Slot.parse(slot).as_dict(), sort_keys=True), device, disable)

    @property
    def identity(self) -> str:
        """The slot; the device does not change what is asked for."""
        return self.slot

    def build(
        self,
        inputs: Inputs,
        rng: torch.Generator,
        progress: Progress | None,
        store: TrainingStore | None = None,
    ) -> Unfolder:
        """A fresh unfolder, built by the registry; `store` is for the state of its training."""
        context = self.context(inputs, rng, progress).with_(store=store)
        registry = default_registry(self.disable)
        return cast("Unfolder", registry.build(INTERFACE, json.loads(self.slot), context))

    def context(
        self, inputs: Inputs, rng: torch.Generator, progress: Progress | None
    ) -> BuildContext:
        """What the unfolder is built in."""
        context = BuildContext(
            features=inputs.simulation.truth.names,
            device=self.device,
            rng=rng,
            registry=default_registry(self.disable),
        )
        return context if progress is None else context.with_(progress=progress)

    @property
    def capabilities(self) -> Capabilities:
        """What the unfolder can do beside unfolding."""
        name = Slot.parse(json.loads(self.slot)).use
        return default_registry(self.disable).get(INTERFACE, name).component.capabilities


def builder_of(build: Builder | Slot | str | Mapping[str, object]) -> Builder:
    """A builder as it is, a slot as a builder."""
    if isinstance(build, (Slot, str, Mapping)):
        return UnfolderSpec.of(build)
    return build


def fit_generator(seed: int, network: int = 0) -> torch.Generator:
    """The generator of one fit.

    Args:
        seed: of the run.
        network: number of the network seed; 0 is the nominal fit.
    """
    return random.torch_generator(seed, f"unfold/network {network}")


def fitted(
    build: Builder, inputs: Inputs, seed: int, network: int = 0, progress: Progress | None = None
) -> Unfolded:
    """A fresh unfolder's result for some inputs, on one thread.

    Args:
        build: makes it.
        inputs: what it is fitted to.
        seed: of the run.
        network: number of the network seed.
        progress: told how far the fit is.
    """
    with one_thread():
        rng = fit_generator(seed, network)
        unfolder = build.build(inputs, rng, progress)
        unfolder.fit(inputs.simulation, inputs.measured, inputs.background, rng)
        return unfolder.unfold()
