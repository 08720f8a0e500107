"""Integrands with known integrals, and what the stages need to run them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from crosshook.core.config import from_document
from crosshook.core.context import BuildContext
from crosshook.core.interfaces.integrand import Evaluation
from crosshook.core.produce import Frozen
from crosshook.core.registry import default_registry
from crosshook.core.run import run
from crosshook.core.run_directory import RunDirectory
from crosshook.core.sampling.build import SamplerSpec, build_process
from crosshook.core.sampling.sampler import Sampler

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.config import RunConfig
    from crosshook.core.process.scattering import ScatteringProcess
    from crosshook.core.results import RunResult

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass
class Function:
    """A function of the unit cube as an integrand, the same in every channel.

    Channel c sees the function through its own map u -> x = u^(1/power_c) in the first dimension,
    density power_c · x^(power_c - 1); the prior is α_c ∝ that density.
    """

    n_dim: int
    function: Callable[[Tensor], Tensor]
    powers: tuple[float, ...] = (1.0,)
    channels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.channels = tuple(f"power {p}" for p in self.powers)

    def evaluate(self, u: Tensor, channel: Tensor) -> Evaluation:
        power = u.new_tensor(self.powers)
        first = u[:, 0] ** (1 / power[channel])
        x = torch.cat([first[:, None], u[:, 1:]], 1)
        density = power * first[:, None] ** (power - 1)
        own = density.gather(1, channel[:, None])[:, 0]
        prior = torch.log(density / density.sum(1, keepdim=True))
        return Evaluation(self.function(x) / own, prior)


@dataclass
class Settings:
    """The part of a run's configuration the stages look at."""

    block_size: int = 1000
    max_invalid_fraction: float = 0.0


@dataclass
class Spec:
    """A sampler and settings in place of what a worker would build from a run file."""

    made: Sampler
    settings: Settings = field(default_factory=Settings)

    def sampler(self) -> Sampler:
        return self.made

    def config(self) -> Settings:
        return self.settings


def _sampler(
    integrand: Any, mapping: str = "uniform", weights: str = "prior", **options: Any
) -> Any:
    context = BuildContext(dimensions=integrand.n_dim, channels=len(integrand.channels))
    build = default_registry().build
    return Sampler(
        integrand,
        build("channel_mapping", {"use": mapping, "options": options}, context),  # type: ignore[arg-type]
        build("channel_weights", weights, context),  # type: ignore[arg-type]
        torch.device("cpu"),
    )


def _peak(x: Tensor) -> Tensor:
    """Gaussian of width 0.05 around ½ in every dimension, normalised up to its tails."""
    return (
        torch.exp(-((x - 0.5) ** 2).sum(1) / (2 * 0.05**2))
        / (0.05 * math.sqrt(2 * math.pi)) ** (x.shape[1])
    )


def _ball(x: Tensor) -> Tensor:
    """1 inside the unit ball's first octant, 0 outside: a hard cut."""
    return ((x**2).sum(1) < 1).to(x.dtype)


KNOWN: dict[str, tuple[Function, float]] = {
    "product in 2": (Function(2, lambda x: 4 * x[:, 0] * x[:, 1]), 1.0),
    "cut in 3": (Function(3, _ball), math.pi / 6),
    "signs in 4": (Function(4, lambda x: torch.cos(2 * math.pi * x[:, 0]) + x.prod(1)), 1 / 16),
    "peak in 5": (Function(5, _peak), math.erf(0.5 / (0.05 * math.sqrt(2))) ** 5),
    "exponential in 7": (Function(7, lambda x: torch.exp(-x.sum(1))), (1 - math.exp(-1)) ** 7),
    "root in 2, two channels": (
        Function(2, lambda x: 1 / torch.sqrt(x[:, 0]) + 3 * x[:, 1] ** 2, (1.0, 0.5)),
        3.0,
    ),
}
"""Integrands with their integrals."""


@pytest.fixture(params=KNOWN, ids=list(KNOWN))
def known(request: pytest.FixtureRequest) -> tuple[Function, float]:
    """Each integrand with its integral."""
    return KNOWN[request.param]


@pytest.fixture
def function() -> type[Function]:
    """See `Function`."""
    return Function


@pytest.fixture
def make_sampler() -> Callable[..., Any]:
    """`make_sampler(integrand, mapping, weights, **options of the mapping)`."""
    return _sampler


@pytest.fixture
def spec() -> Callable[..., Spec]:
    """`spec(sampler, block_size=..., max_invalid_fraction=...)`."""

    def make(sampler: Sampler, **settings: Any) -> Spec:
        return Spec(sampler, Settings(**settings))

    return make


RUNS = {"ee-mumu": (), "drell-yan": ("variations.scales=7-point", "cuts.eta_max=4")}


@dataclass(frozen=True)
class Finished:
    """A small run that is done, with what its stages worked on."""

    directory: RunDirectory
    result: RunResult
    config: RunConfig
    process: ScatteringProcess
    spec: SamplerSpec
    frozen: Frozen


@cache
def _run(name: str, folder: Path) -> Finished:
    settings = (
        "output={report: none, formats: [lhe]}",
        "block_size=500",
        "sampling.evaluations=4000",
        "integrate.evaluations=4000",
        "generate={events: 400, pilot: 2000}",
        *RUNS[name],
    )
    result = run(EXAMPLES / f"{name}.yaml", settings=settings, output=folder / name)
    directory = RunDirectory.open(folder / name)
    config = from_document(directory.read_json(directory.resolved))
    models = {slot: directory.model(slot) for slot in directory.trained()}
    frozen = Frozen.from_json(directory.read_json(directory.state))
    process = build_process(config, default_registry())
    return Finished(directory, result, config, process, SamplerSpec.of(config, models), frozen)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the finished runs are."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(params=list(RUNS))
def finished(request: pytest.FixtureRequest, run_folder: Path) -> Finished:
    """Each of the finished runs."""
    return _run(request.param, run_folder)


@pytest.fixture
def drell_yan(run_folder: Path) -> Finished:
    """The run with two channels, two process ids, cuts and variations."""
    return _run("drell-yan", run_folder)


@dataclass
class SometimesNan:
    """A mapping whose Jacobian is NaN for one random number in fifty."""

    inner: Any

    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Any:
        u, log_det = self.inner.forward(r, channel)
        return u, torch.where(r[:, 0] < 0.02, torch.full_like(log_det, math.nan), log_det)


@dataclass
class SpecOfParts:
    """A specification that hands out given parts instead of building them."""

    made_sampler: Any
    made_unweighter: Any
    made_config: Any

    def sampler(self) -> Any:
        return self.made_sampler

    def unweighter(self) -> Any:
        return self.made_unweighter

    def surrogate(self) -> None:
        return None

    def config(self) -> Any:
        return self.made_config


@pytest.fixture
def broken_spec() -> Callable[..., SpecOfParts]:
    """`broken_spec(finished, max_invalid_fraction)`: the run's sampler, NaN now and then."""

    def make(of: Finished, max_invalid_fraction: float) -> SpecOfParts:
        built = of.spec.sampler()
        sampler = Sampler(
            built.integrand, SometimesNan(built.mapping), built.weights, built.device
        )
        config = replace(of.config, max_invalid_fraction=max_invalid_fraction)
        return SpecOfParts(sampler, of.spec.unweighter(), config)

    return make
