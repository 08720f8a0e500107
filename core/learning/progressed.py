"""How far a training is, and the optimiser, as tensors and plain values for a checkpoint."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor
    from torch.optim import Optimizer


@dataclass
class Progressed:
    """How far a learner is.

    Attributes:
        rounds: done.
        steps: done.
        losses: by step.
        skipped: steps without finite gradient.
    """

    rounds: int = 0
    steps: int = 0
    losses: list[float] = field(default_factory=list)
    skipped: int = 0


@dataclass
class LastStage:
    """How far the last stage is.

    Attributes:
        start: steps before it.
        fresh: columns of the points that tell when to stop, with `log_rho`; empty without.
        kept: the parameters that suited them best.
        best: the loss of these.
        since: looks since then.
        looks: looks so far.
    """

    start: int
    fresh: dict[str, Tensor] = field(default_factory=dict)
    kept: list[Tensor] = field(default_factory=list)
    best: float = math.inf
    since: int = 0
    looks: int = 0


def optimiser_state(optimiser: Optimizer) -> dict[str, Tensor]:
    """The moments of all parameters: `0/exp_avg` and so on."""
    return {
        f"{number}/{name}": moment
        for number, moments in optimiser.state_dict()["state"].items()
        for name, moment in moments.items()
    }


def load_optimiser_state(optimiser: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Takes back what `optimiser_state` gave."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        number, name = key.split("/")
        # Numbers of steps stay on the CPU, where the optimiser counts them.
        state.setdefault(int(number), {})[name] = tensor.cpu() if name == "step" else tensor
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})


def under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those whose names begin so, without the beginning."""
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}


def numbered(tensors: Mapping[str, Tensor], prefix: str) -> list[Tensor]:
    """Those named `prefix0`, `prefix1` and so on, in this order."""
    found = under(tensors, prefix)
    return [found[str(i)] for i in range(len(found))]
