"""Finished runs that the physics tests share, and the place of the larger reference data."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import pytest
import torch

from crosshook.core.config import from_document
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import open_events
from crosshook.core.run import run
from crosshook.core.run_directory import RunDirectory
from crosshook.core.sampling.build import SamplerSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor

    from crosshook.core.generation_result import GenerationResult
    from crosshook.core.results import RunResult

EXAMPLES = Path(__file__).parents[2] / "examples"
FAST = ("output.report=none", "output.formats=[lhe.gz]")

Axis = tuple[str, int, float, float]
SHARED: dict[str, Axis] = {
    "y0": ("y[0]", 30, -4.5, 4.5),
    "y1": ("y[1]", 30, -4.5, 4.5),
    "eta0": ("eta[0]", 30, -6.0, 6.0),
    "phi0": ("phi[0]", 24, -3.141592653589793, 3.141592653589793),
    "y": ("y[0,1]", 30, -4.0, 4.0),
    "dy": ("y[0] - y[1]", 24, -4.8, 4.8),
    "day": ("abs(y[0]) - abs(y[1])", 24, -3.0, 3.0),
}
TTBAR: dict[str, Axis] = {
    **SHARED,
    "pt": ("pt[0]", 30, 0.0, 600.0),
    "e0": ("e[0]", 30, 170.0, 2170.0),
    "m": ("m", 20, 345.0, 1345.0),
}
DRELL_YAN: dict[str, Axis] = {
    **SHARED,
    "pt": ("pt[0]", 29, 0.0, 58.0),
    "e0": ("e[0]", 30, 0.0, 900.0),
    "m": ("m", 25, 66.0, 116.0),
}
"""Observables by name: expression, bins, lower and upper end; GeV where they have a unit."""


@cache
def read(path: Path) -> EventBatch:
    """All events of a file."""
    with open_events(path) as stream:
        return EventBatch.concatenate(list(stream))


@dataclass(frozen=True)
class Finished:
    """A finished run.

    Attributes:
        directory: of the run.
        result: its results.
    """

    directory: Path
    result: RunResult

    @property
    def generation(self) -> GenerationResult:
        """The results of its generation."""
        assert self.result.generation is not None
        return self.result.generation

    def spec(self) -> SamplerSpec:
        """Its trained sampler, as workers build it."""
        home = RunDirectory.open(self.directory)
        config = from_document(home.read_json(home.resolved))
        return SamplerSpec.of(config, {name: home.model(name) for name in home.trained()})

    def shares(self) -> Tensor:
        """Channel shares p_c of its integration, `(k,)`."""
        shares = [channel.share for channel in self.result.integration.channels]
        return torch.tensor(shares, dtype=torch.float64)

    def events(self, name: str = "events.lhe.gz") -> EventBatch:
        """All its events."""
        return read(self.directory / name)


class Chance(Protocol):
    """Chance of a larger χ²."""

    def __call__(self, chi_squared: float, degrees_of_freedom: int) -> float:
        """Q(dof/2, χ²/2)."""
        ...


def histograms(axes: Mapping[str, Axis]) -> str:
    """The `--set` argument that asks for these histograms."""
    keys = {
        name: {"observable": text, "bins": bins, "range": [low, high]}
        for name, (text, bins, low, high) in axes.items()
    }
    return f"integrate.histograms={json.dumps(keys)}"


def finish(example: str, directory: Path, settings: Sequence[str], **options: object) -> Finished:
    """Runs an example into a directory."""
    function = cast("Callable[..., RunResult]", run)
    result = function(
        EXAMPLES / f"{example}.yaml", settings=[*FAST, *settings], output=directory, **options
    )
    return Finished(directory, result)


@pytest.fixture
def runner(tmp_path: Path) -> Callable[..., Finished]:
    """Runs an example: `runner("ttbar", "place", "seed=3", ...)`."""

    def start(example: str, place: str, *settings: str, **options: object) -> Finished:
        return finish(example, tmp_path / place, settings, **options)

    return start


@pytest.fixture(scope="session")
def ttbar(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """pp -> tt̄ with the shipped densities: 10⁶ weighted points, 20000 events, all files."""
    place = tmp_path_factory.mktemp("ttbar") / "run"
    settings = (
        "integrate.relative_error=0",
        histograms(TTBAR),
        "output.formats=[lhe.gz, root]",
    )
    return finish("ttbar", place, settings)


@pytest.fixture(scope="session")
def drell_yan(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """pp -> e-e+ with the shipped densities: 10⁶ weighted points, 20000 events."""
    place = tmp_path_factory.mktemp("drell-yan") / "run"
    return finish("drell-yan", place, (histograms(DRELL_YAN),))


@pytest.fixture(scope="session")
def high_mass(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """pp -> e-e+ from the Z peak to 1 TeV, events biased by (m/91)³."""
    place = tmp_path_factory.mktemp("high-mass") / "run"
    return finish("drell-yan-high-mass", place, ("integrate.evaluations=500000",))


@pytest.fixture(scope="session", params=["ttbar", "drell_yan"])
def hadronic(request: pytest.FixtureRequest) -> Finished:
    """Either of the two hadronic processes."""
    return cast("Finished", request.getfixturevalue(request.param))


@pytest.fixture(scope="session")
def electron_muon(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """e+e- -> μ+μ- at 1 TeV in the set-up of MadGraph's reference file."""
    return finish("ee-mumu", tmp_path_factory.mktemp("ee-mumu") / "run", ())


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of the larger reference data."""
    folder = os.environ.get("CROSSHOOK_REFERENCE_DATA")
    if not folder:
        pytest.skip("CROSSHOOK_REFERENCE_DATA is not set: no NNPDF grid to compare with")
    return Path(folder)


@pytest.fixture(scope="session", params=["ttbar-nnpdf", "drell-yan-nnpdf"])
def reference(
    request: pytest.FixtureRequest,
    reference_data: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Finished]:
    """The set-ups of Sherpa's reference files, integrated; their set found by its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LHAPDF_DATA_PATH", str(reference_data / "pdf"))
        place = tmp_path_factory.mktemp(request.param) / "run"
        yield finish(request.param, place, ("generate=null",))


@pytest.fixture(scope="session")
def chance() -> Chance:
    """The chance of a χ² at least this large."""

    def tail(chi_squared: float, degrees_of_freedom: int) -> float:
        half = torch.tensor([degrees_of_freedom / 2, chi_squared / 2], dtype=torch.float64)
        return float(torch.special.gammaincc(half[0], half[1]))

    return tail
