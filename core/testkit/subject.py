"""The component under test: built as the registry builds it, and trained a little.

A component fresh from its factory is often the identity, which hides a wrong Jacobian; so every
check that looks at numbers works on one that has seen a small training.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.interfaces.training import Budget, Trainable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import torch

    from crosshook.core.component import Capabilities
    from crosshook.core.interfaces.training import FitReport, Source
    from crosshook.core.registry import Registered, Registry

SEED = 20261122


@dataclass(frozen=True)
class Case:
    """One shape of the task.

    Attributes:
        dimensions: continuous dimensions d of the unit cube.
        channels: k.
        features: number of feature columns.
        legs: number of external legs m.
        discrete: number of values of each discrete dimension.
        unconditional: without condition vectors, although the component can take them.
        angles: how many of the feature columns, the last ones, are angles in rad.
        objects: largest number of objects in the set that goes with the features; 0 for no set.
    """

    dimensions: int = 0
    channels: int = 1
    features: int = 0
    legs: int = 0
    discrete: tuple[int, ...] = ()
    unconditional: bool = False
    angles: int = 0
    objects: int = 0

    @property
    def width(self) -> int:
        """All dimensions of the cube, discrete ones included."""
        return self.dimensions + len(self.discrete)

    def __str__(self) -> str:
        values = ",".join(str(count) for count in self.discrete)
        parts: tuple[tuple[str, int | str], ...] = (
            ("d", self.dimensions),
            ("discrete", values),
            ("k", self.channels if self.width or self.channels > 1 else 0),
            ("features", self.features),
            ("angles", self.angles),
            ("objects", self.objects),
            ("legs", self.legs),
        )
        text = ", ".join(f"{name}={value}" for name, value in parts if value)
        return f"{text}, without conditions" if self.unconditional else text

    def rows(self, n: int) -> str:
        """The case with its number of rows, as findings quote it."""
        return f"{self}, n={n}" if str(self) else f"n={n}"

    def draws(self, n: int) -> str:
        """The case with its number of random points and the seed they are drawn from."""
        return f"{self.rows(n)}, seed {SEED}"


@dataclass
class Subject:
    """A component with everything needed to build it again and again.

    Attributes:
        registered: the component's record with where it came from.
        registry: builds it.
        options: as in a run file; the schema fills in the rest.
        device: where it runs.
        tolerance: agreement asked of u, r and log_det. The default is what a network that computes
            in float32 reaches where its slopes are below 10³, and is below what any run resolves;
            components that compute in float64 can be held to 1e-8.
        evaluations: budget of a training.
    """

    registered: Registered
    registry: Registry
    options: Mapping[str, object] = field(default_factory=dict)
    device: str = "cpu"
    tolerance: float = 1e-4
    evaluations: int = 10_000
    _trained: dict[Case, object] = field(default_factory=dict, repr=False)

    @property
    def capabilities(self) -> Capabilities:
        """What the component claims to be able to do."""
        return self.registered.component.capabilities

    @property
    def interface(self) -> str:
        """Name of the interface."""
        return self.registered.interface.name

    @property
    def conditions(self) -> int:
        """Length of the condition vectors to use: 2 for a conditional component, else 0."""
        return 2 if self.capabilities.conditional else 0

    def conditions_of(self, case: Case) -> int:
        """Length of the condition vectors of a case."""
        return 0 if case.unconditional else self.conditions

    def slot(self, model: str | None = None) -> Slot:
        """The component as a run file names it, its plugin spelt out."""
        name = f"{self.registered.plugin}/{self.registered.component.name}"
        return Slot(use=name, options=dict(self.options), model=model)

    def context(self, case: Case) -> BuildContext:
        """The context of a case; the same seed each time."""
        return BuildContext(
            dimensions=case.dimensions,
            discrete=case.discrete,
            channels=case.channels,
            legs=case.legs,
            features=tuple(f"x{i}" for i in range(case.features)),
            condition_size=self.conditions_of(case),
            device=self.device,
            rng=self.generator("build"),
            registry=self.registry,
        )

    def generator(self, purpose: str) -> torch.Generator:
        """A torch generator that starts at the same point for the same purpose."""
        from crosshook.core.random import torch_generator

        return torch_generator(SEED, f"testkit/{purpose}")

    def build(self, case: Case) -> object:
        """A fresh component."""
        return self.registry.build(self.interface, self.slot(), self.context(case))

    def trained(self, case: Case, source: Callable[[object], Source]) -> object:
        """The component after a small training, made once for each case.

        Args:
            case: the shape.
            source: makes the source of points for a freshly built component.
        """
        if case not in self._trained:
            built = self.build(case)
            if self.capabilities.trainable:
                self.train(built, case, source(built))
            self._trained[case] = built
        return self._trained[case]

    def built(self, case: Case) -> object:
        """The component as the registry builds it, made once for each case."""
        if case not in self._trained:
            self._trained[case] = self.build(case)
        return self._trained[case]

    def train(self, built: object, case: Case, source: Source) -> FitReport:
        """Trains a component in place."""
        context = self.context(case).with_(rng=self.generator("train"))
        return cast("Trainable", built).fit(source, Budget(self.evaluations), context)
