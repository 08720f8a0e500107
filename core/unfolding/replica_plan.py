"""Which fits the uncertainties of an unfolding need: replicas of data and simulation × seeds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import torch

from crosshook.core import random
from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crosshook.core.interfaces.unfolder import FamilyKind
    from crosshook.core.unfolding.inputs import Inputs

Resampled = Literal["data", "mc"]
_LABEL: Final = re.compile(r"(?:(data|mc)=(\d+),)?seed=(\d+)")


@dataclass(frozen=True)
class ReplicaPlan:
    """How many fits of each kind.

    Attributes:
        bootstrap_data: resamples of the measured events.
        bootstrap_mc: resamples of the simulated events, background included.
        seeds: seeds of the networks; every resample is fitted with each of them.
    """

    bootstrap_data: int = 0
    bootstrap_mc: int = 0
    seeds: int = 1

    def __post_init__(self) -> None:
        for name, allowed in (
            ("bootstrap_data", "0, or at least 2: one tells no variance"),
            ("bootstrap_mc", "0, or at least 2: one tells no variance"),
            ("seeds", "at least 1"),
        ):
            value = getattr(self, name)
            if value < 0 or value == (0 if name == "seeds" else 1):
                message = f"replicas.{name}: {value} is given, allowed is {allowed}"
                raise ConfigurationError(message)

    def replicas(self) -> Iterator[Replica]:
        """Every fit, the nominal one first."""
        for seed in range(self.seeds):
            yield Replica(None, 0, seed)
        for index in range(self.bootstrap_data):
            for seed in range(self.seeds):
                yield Replica("data", index, seed)
        for index in range(self.bootstrap_mc):
            for seed in range(self.seeds):
                yield Replica("mc", index, seed)


@dataclass(frozen=True)
class Replica:
    """One fit.

    Attributes:
        resampled: what is resampled, or None.
        index: of the resample.
        seed: number of the network seed.
    """

    resampled: Resampled | None
    index: int
    seed: int

    @property
    def kind(self) -> FamilyKind:
        """The family its weights belong to."""
        if self.resampled is None:
            return "ensemble"
        return "bootstrap_data" if self.resampled == "data" else "bootstrap_mc"

    @property
    def label(self) -> str:
        """E.g. `data=3,seed=1`, or `seed=1` for the events as they are."""
        resample = f"{self.resampled}={self.index}," if self.resampled else ""
        return f"{resample}seed={self.seed}"

    def weighted(self, inputs: Inputs, seed: int) -> Inputs:
        """The inputs with Poisson(1) weights on what is resampled.

        Args:
            inputs: the events as they are.
            seed: of the run.
        """
        if self.resampled is None:
            return inputs
        rng = random.stream(seed, f"unfold/bootstrap {self.resampled}", self.index)

        def poisson(like: torch.Tensor) -> torch.Tensor:
            return torch.from_numpy(rng.poisson(1.0, len(like))).to(like)

        if self.resampled == "data":
            return inputs.reweighted(measured=poisson(inputs.measured.weight))
        background = inputs.background
        return inputs.reweighted(
            simulation=poisson(inputs.simulation.weight),
            background=None if background is None else poisson(background.weight),
        )


def crossing(labels: Sequence[str], where: str = "labels") -> tuple[int, int]:
    """Numbers of resamples and seeds of a family's labels, which must be crossed completely.

    Args:
        labels: as `Replica.label` makes them; those of one resample stand together.
        where: they come from, for the message.

    Returns:
        (resamples, seeds), with resamples · seeds labels.

    Raises:
        ConfigurationError: if a label is not of this kind, or a combination is missing.
    """
    found = [_LABEL.fullmatch(label) for label in labels]
    pairs = [(int(m[2] or 0), int(m[3])) for m in found if m is not None]
    if not pairs or len(pairs) < len(found):
        message = f"{where}: {list(labels)[:3]} are not labels like 'data=3,seed=1' or 'seed=1'"
        raise ConfigurationError(message)
    indices = list(dict.fromkeys(index for index, _ in pairs))
    seeds = list(dict.fromkeys(seed for _, seed in pairs))
    if pairs != [(index, seed) for index in indices for seed in seeds]:
        message = (
            f"{where}: {len(indices)} resamples and {len(seeds)} seeds are not crossed completely "
            f"in {len(pairs)} fits"
        )
        raise ConfigurationError(message)
    return len(indices), len(seeds)
