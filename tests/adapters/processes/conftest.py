"""The three processes as the registry builds them, points of their phase space, reference values."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
import torch

from crosshook.adapters.processes import make_drell_yan, make_ee_mumu, make_pp_ttbar
from crosshook.core.context import BuildContext
from crosshook.core.interfaces.process import BeamSetup
from crosshook.core.options import resolve_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from crosshook.core.interfaces.process import PhaseSpacePoint, Process

FACTORIES = {"pp-ttbar": make_pp_ttbar, "drell-yan": make_drell_yan, "ee-mumu": make_ee_mumu}

Amplitudes = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class Build(Protocol):
    """Builds a process by name with its schema's defaults and these options."""

    def __call__(self, name: str, **options: object) -> Process: ...


def _build(name: str, **options: object) -> Process:
    schema = f"crosshook.schemas:v1/components/{name}.json"
    factory: Callable[..., Process] = FACTORIES[name]
    return factory(BuildContext(), **resolve_options(schema, options, "run.yaml: process.options"))


@pytest.fixture
def build() -> Build:
    """See `Build`."""
    return _build


@pytest.fixture(params=sorted(FACTORIES))
def process(request: pytest.FixtureRequest) -> Process:
    """Each process with its defaults."""
    return _build(request.param)


@pytest.fixture
def sample() -> Callable[[Process, int], PhaseSpacePoint]:
    """Points of all channels in turn, in a process's default set-up."""

    def draw(process: Process, n: int) -> PhaseSpacePoint:
        defaults = process.defaults
        beams = BeamSetup(defaults.energy, defaults.beams, defaults.hadronic)
        space = process.phase_space(beams, defaults.cuts)
        generator = torch.Generator().manual_seed(7)
        u = torch.rand(n, space.n_dim, generator=generator, dtype=torch.float64)
        return space.forward(u, torch.arange(n) % len(space.channels))

    return draw


def _excerpt(name: str) -> Amplitudes:
    path = Path(__file__).parents[2] / "data" / "amplitudes.json"
    rows = json.loads(path.read_text("utf-8"))[name]
    momenta, alpha_s, squared = (
        torch.tensor([row[key] for row in rows], dtype=torch.float64)
        for key in ("momenta", "alpha_s", "squared")
    )
    return momenta, alpha_s, squared


def _file(name: str) -> Amplitudes:
    folder = os.environ.get("CROSSHOOK_REFERENCE_DATA")
    if folder is None:
        pytest.skip("CROSSHOOK_REFERENCE_DATA is not set")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(Path(folder) / "amplitudes" / f"{name}.parquet")

    def column(key: str) -> torch.Tensor:
        return torch.from_numpy(table[key].to_numpy().copy())

    parts = ("E", "px", "py", "pz")
    legs = [torch.stack([column(f"p{leg}_{part}") for part in parts], -1) for leg in range(4)]
    return torch.stack(legs, 1), column("alpha_s_lhe"), column("me2")


@pytest.fixture(params=[_excerpt, _file], ids=["excerpt", "file"])
def stored(request: pytest.FixtureRequest) -> Callable[[str], Amplitudes]:
    """Momenta `(n, 4, 4)`, α_s and |M|² of MadGraph: twenty rows, and the whole file if it is there."""
    reader: Callable[[str], Amplitudes] = request.param
    return reader
