"""What a component is told when it is built: everything it may know, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from crosshook.core.progress import Progress, Silent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch

    from crosshook.core.component import Slot
    from crosshook.core.interfaces.training import TrainingStore
    from crosshook.core.registry import Registry


@dataclass(frozen=True)
class BuildContext:
    """Shape of the task, and the resources handed to a component.

    Attributes:
        dimensions: continuous dimensions d of the unit cube.
        discrete: number of values of each discrete dimension, which follow the continuous ones;
            the processes of this version have none.
        channels: number of channels k.
        legs: number of external legs m.
        features: names of the feature columns a component is given.
        condition_size: length of the condition vectors; 0 for none.
        device: where tensors live, in torch's notation.
        dtype: floating type of inputs and outputs, in torch's notation.
        rng: generator for initial values and training, on the CPU; None where nothing is random.
        progress: told how far a training is.
        model: directory of the trained model that will be loaded into the component, or None; set
            by the registry from the slot, so that nested components get their own.
        registry: where nested components come from.
        store: keeps the state of a training that may be killed, or None; see `TrainingStore`.
    """

    dimensions: int = 0
    discrete: tuple[int, ...] = ()
    channels: int = 1
    legs: int = 0
    features: tuple[str, ...] = ()
    condition_size: int = 0
    device: str = "cpu"
    dtype: str = "float64"
    rng: torch.Generator | None = None
    progress: Progress = field(default_factory=Silent)
    model: Path | None = None
    registry: Registry | None = None
    store: TrainingStore | None = None

    @property
    def torch_device(self) -> torch.device:
        """`device` as torch's own type."""
        import torch

        return torch.device(self.device)

    @property
    def torch_dtype(self) -> torch.dtype:
        """`dtype` as torch's own type."""
        import torch

        return {"float32": torch.float32, "float64": torch.float64}[self.dtype]

    def build(self, interface: str, slot: Slot | str | Mapping[str, object]) -> object:
        """Builds a nested component, e.g. the mapping inside a mixture.

        Args:
            interface: e.g. `channel_mapping`.
            slot: the component's place in the run file.

        Returns:
            The component, built by the registry under this same context.
        """
        from crosshook.core.registry import default_registry

        registry = self.registry if self.registry is not None else default_registry()
        return registry.build(interface, slot, self)

    def shape(self) -> dict[str, object]:
        """The part of the context that a saved model depends on, as JSON."""
        return {
            "dimensions": self.dimensions,
            "discrete": list(self.discrete),
            "channels": self.channels,
            "legs": self.legs,
            "features": list(self.features),
            "condition_size": self.condition_size,
        }

    def with_(self, **changes: object) -> BuildContext:
        """A copy with some attributes changed."""
        return replace(self, **changes)  # type: ignore[arg-type]
