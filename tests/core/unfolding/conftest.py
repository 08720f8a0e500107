"""A detector problem with losses and fakes, and its unfolding by `ibu`, for the diagnostics."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.core.interfaces.features import Features
from crosshook.core.random import torch_generator
from crosshook.core.testkit.unfolding_problem import make
from crosshook.core.unfolding.inputs import Inputs
from crosshook.core.unfolding.replica_plan import ReplicaPlan
from crosshook.core.unfolding.replicas import families, run_parts
from crosshook.core.unfolding.specification import UnfolderSpec, fitted

if TYPE_CHECKING:
    from crosshook.core.interfaces.unfolder import Unfolded
    from crosshook.core.unfolding.replicas import Part

SEED = 20261122


@dataclass(frozen=True)
class Unfolding:
    """Everything `diagnose` takes."""

    build: UnfolderSpec
    inputs: Inputs
    unfolded: Unfolded
    parts: tuple[Part, ...]


@pytest.fixture(scope="session")
def problem() -> Inputs:
    """The kit's Gaussian problem; the data's truth is N(0.2, 0.8), and a control column is the
    same in both.
    """
    rng = torch_generator(SEED, "problem")
    made = make(rng, "cpu")
    data = 0.2 + (0.8**2 + 0.5**2) ** 0.5 / (1 + 0.5**2) ** 0.5 * made.data

    def with_control(values: torch.Tensor, control: torch.Tensor) -> Features:
        return Features(torch.stack([values, control], dim=1), ("x0", "control"), ("GeV", ""))

    def normal(n: int) -> torch.Tensor:
        return torch.randn(n, generator=rng, dtype=torch.float64, device="cpu")

    true = normal(len(made.truth))
    simulation = replace(
        made.simulation(),
        truth=with_control(made.truth, true),
        reco=with_control(made.reco, true + 0.2 * normal(len(true))),
    )
    seen = (1 + 0.2**2) ** 0.5 * normal(len(data))
    measured = replace(made.measured(), reco=with_control(data, seen))
    return Inputs(simulation, measured)


@pytest.fixture(scope="session")
def unfolding(problem: Inputs, tmp_path_factory: pytest.TempPathFactory) -> Unfolding:
    """Five iterations in 12 × 4 cells, with 12 resamples of the data."""
    options = {"iterations": 5, "bins": {"x0": 12, "control": 4}}
    build = UnfolderSpec.of({"use": "ibu", "options": options})
    result = fitted(build, problem, SEED)
    folder = tmp_path_factory.mktemp("replicas")
    parts = run_parts(build, problem, ReplicaPlan(bootstrap_data=12), SEED, folder=folder)
    result = replace(result, families={**result.families, **families(parts)})
    return Unfolding(build, problem, result, parts)
