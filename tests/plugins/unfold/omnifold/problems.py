"""Small unfolding problems: Gaussians with known answers, and jets of a variable number of particles."""

from __future__ import annotations

import torch
from torch import Tensor

from crosshook.core.context import BuildContext
from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.unfolder import Measured, Simulation
from crosshook.core.registry import default_registry
from crosshook.plugins.unfold.omnifold.unfolder import OmniFold

FAST: dict[str, object] = {"ensemble": 1, "iterations": 3, "hidden": 32, "batch": 512}


def omnifold(**options: object) -> OmniFold:
    """The component as the registry builds it, with little to do."""
    slot = {"use": "omnifold", "options": {**FAST, **options}}
    built = default_registry().build("unfolder", slot, BuildContext())
    assert isinstance(built, OmniFold)
    return built


def generator(seed: int) -> torch.Generator:
    return torch.Generator(device="cpu").manual_seed(seed)


def normal(n: int, rng: torch.Generator) -> Tensor:
    return torch.randn(n, generator=rng, dtype=torch.float64)


def column(x: Tensor) -> Features:
    return Features(x[:, None], ("x",), ("GeV",))


def simulated(n: int, rng: torch.Generator) -> Simulation:
    """Truth N(0, 1), smearing 0.5, everything seen."""
    z = normal(n, rng)
    one = torch.ones(n, dtype=torch.float64)
    return Simulation(column(z), column(z + 0.5 * normal(n, rng)), one, one > 0, one > 0)


def nature(n: int, rng: torch.Generator) -> tuple[Tensor, Measured]:
    """Truth N(0.2, 0.8), seen through the same detector."""
    z = 0.2 + 0.8 * normal(n, rng)
    return z, Measured(column(z + 0.5 * normal(n, rng)), torch.ones(n, dtype=torch.float64))


def mean_and_sd(x: Tensor, weight: Tensor) -> tuple[float, float]:
    mean = float((x * weight).sum() / weight.sum())
    return mean, float(((x - mean).square() * weight).sum() / weight.sum()) ** 0.5


def jets(n: int, rate: float, rng: torch.Generator) -> tuple[Features, Features]:
    """Jets of Poisson(rate) particles with exponential momenta; the detector loses one in five."""
    length = 30
    count = torch.poisson(torch.full((n,), rate), generator=rng).clamp(1, length)
    mask = torch.arange(length)[None] < count[:, None]
    pt = -torch.rand(n, length, generator=rng, dtype=torch.float64).clamp(min=1e-9).log()
    seen = mask & (torch.rand(n, length, generator=rng) < 0.8)
    smeared = pt * (1 + 0.1 * torch.randn(n, length, generator=rng, dtype=torch.float64))
    absent = torch.tensor(float("nan"), dtype=torch.float64)
    none = torch.zeros(n, 0, dtype=torch.float64)
    return tuple(  # type: ignore[return-value]
        Features(none, (), (), {"particles": (torch.where(m, v, absent)[..., None], m)})
        for v, m in ((pt, mask), (smeared, seen))
    )
