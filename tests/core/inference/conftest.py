"""The toy of examples/mem_toy.py as a model, with a proposal trained once for all tests."""

from __future__ import annotations

import importlib.util
import math
import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crosshook.core import random
from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.inference.conditions import Conditions
from crosshook.core.inference.cube_model import CubeModel
from crosshook.core.inference.grid import ParameterGrid, make_axis
from crosshook.core.inference.model import Parameter
from crosshook.core.inference.pairs import resampled_pairs
from crosshook.core.inference.proposal import EventProposal
from crosshook.core.inference.proposal_training import (
    ProposalSettings,
    build_mapping,
    train_proposal,
)
from crosshook.core.interfaces.matrix_element import Subprocess
from crosshook.core.process.cube import CubeFunction, CubeTruth
from crosshook.core.progress import Silent
from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from torch import Tensor

EXAMPLES = Path(__file__).parents[3] / "examples"
POINTS = 24
"""Of the grid in α."""


@dataclass(frozen=True)
class Toy:
    """What the tests share.

    Attributes:
        module: the example.
        model: its model.
        grid: in α, once around.
        proposal: trained with the detector as it is.
    """

    module: Any
    model: CubeModel
    grid: ParameterGrid
    proposal: EventProposal

    @property
    def theta(self) -> Tensor:
        """Points of the grid, `(t, 1)`."""
        return self.grid.points


def load_toy() -> ModuleType:
    """examples/mem_toy.py as a module."""
    path = EXAMPLES / "mem_toy.py"
    spec = importlib.util.spec_from_file_location("mem_toy", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mem_toy"] = module
    spec.loader.exec_module(module)
    return module


def toy_model(module: Any, seed: int = 1) -> CubeModel:
    """The toy's model."""
    alpha = Parameter("alpha", 0.0, 0.0, math.pi, math.pi)
    return CubeModel(
        CubeFunction(
            module.density,
            2,
            Subprocess((0, 0), 0, 1, "toy", ()),
            (0.0, 0.0),
            "toy",
            parameters=(alpha,),
            truth=CubeTruth(module.truth, ("cos_theta", "phi"), ("", "rad")),
        ),
        seed,
    )


def alpha_grid(points: int = POINTS) -> ParameterGrid:
    """α once around."""
    axis = make_axis(
        "alpha", 0.0, math.pi, points, math.pi, nuisance=False, constraint=None, where="alpha"
    )
    return ParameterGrid((axis,))


def trained_proposal(
    model: CubeModel, detector: Any, theta: Tensor, anchors: int
) -> EventProposal:
    """A proposal after a short training."""
    rng = random.torch_generator(5, f"proposal/{anchors}")
    registry = default_registry()
    pairs = resampled_pairs(model, detector, theta, 12_000, rng, Silent())
    chosen = theta[:: len(theta) // anchors] if anchors else None
    told = pairs.theta if anchors else None
    conditions = Conditions.of(pairs.reco, model.parameters, told)
    options = {"hidden": 24, "depth": 2, "bins": 6}
    slot = Slot("flow", registry.options("channel_mapping", Slot("flow", options)))
    context = BuildContext(rng=rng, registry=registry)
    mapping = build_mapping(slot, conditions.size, model, context, registry)
    settings = ProposalSettings(12_000, 8, 512, 1e-2, anchors)
    train_proposal(mapping, conditions, pairs, settings, rng, Silent())
    return EventProposal(mapping, conditions, None, chosen)


@pytest.fixture(scope="session")
def toy() -> Toy:
    module = load_toy()
    model, grid = toy_model(module), alpha_grid()
    return Toy(module, model, grid, trained_proposal(model, module.Detector(), grid.points, 0))


@pytest.fixture(scope="session")
def teach() -> Callable[..., EventProposal]:
    return trained_proposal


@pytest.fixture
def write_parquet(tmp_path: Path) -> Callable[..., Path]:
    numbers = count()

    def write(columns: dict[str, list[Any]]) -> Path:
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        path = tmp_path / f"events{next(numbers)}.parquet"
        parquet.write_table(pyarrow.table(columns), path)
        return path

    return write
