"""A process, densities and phase spaces so simple that every number can be worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import torch

from crosshook.core.interfaces.matrix_element import CheckPoint, SquaredAmplitude, Subprocess
from crosshook.core.interfaces.process import (
    BeamSetup,
    PhaseSpace,
    PhaseSpacePoint,
    ProcessDefaults,
    Resonance,
)
from crosshook.core.phase_space.angle import FlatAngle, ForwardPole
from crosshook.core.phase_space.channel import TwoBodyChannel
from crosshook.core.phase_space.fixed_two_body import FixedTwoBody
from crosshook.core.phase_space.hadronic_two_body import HadronicTwoBody
from crosshook.core.phase_space.power_law import PowerLawMap
from crosshook.core.process.scattering import ScatteringProcess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

ENERGY, LOWEST = 1000.0, 100.0

GLUONS = Subprocess(
    pdg=(21, 21, 11, -11),
    amplitude=0,
    process_id=5,
    label="g g > e- e+",
    colour_flows=(
        ((501, 502), (502, 501), (0, 0), (0, 0)),
        ((502, 501), (501, 502), (0, 0), (0, 0)),
    ),
    mirror_symmetric=True,
    qcd_order=2,
)
QUARKS = Subprocess(
    pdg=(2, -2, 11, -11),
    amplitude=1,
    process_id=3,
    label="u u~ > e- e+",
    colour_flows=(((501, 0), (0, 501), (0, 0), (0, 0)),),
    mirror=True,
    qcd_order=1,
    qed_order=2,
)


def forwardness(momenta: Tensor) -> Tensor:
    """(1 + cosθ)/2 of leg 3 to leg 1, from invariants: p2·p3 / (p1·p2)."""
    one, two, three = momenta[:, 0], momenta[:, 1], momenta[:, 2]
    metric = momenta.new_tensor([1.0, -1.0, -1.0, -1.0])
    return (two * three * metric).sum(1) / (one * two * metric).sum(1)


@dataclass
class ToyAmplitudes:
    """|M|² = 2 α_s² for gluons, α_s (1 + 3 (1 + cosθ)/2) for quarks."""

    subprocesses: tuple[Subprocess, ...] = (GLUONS, QUARKS)
    masses: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    parameters: dict[str, float] = field(default_factory=lambda: {"strength": 1.0})
    alpha_qed: float = 1 / 128

    def squared(
        self,
        momenta: Tensor,
        subprocess: int,
        alpha_s: Tensor,
        theta: Tensor | None = None,
        want: Sequence[str] = (),
    ) -> SquaredAmplitude:
        strength = 1.0 if theta is None else theta[:, 0]
        if self.subprocesses[subprocess].amplitude == 1:
            return SquaredAmplitude(strength * alpha_s * (1 + 3 * forwardness(momenta)))
        ahead = forwardness(momenta)
        flows = torch.stack([ahead, 3 * (1 - ahead)], 1) if "colour" in want else None
        return SquaredAmplitude(strength * 2 * alpha_s**2, flows)


@dataclass
class ToyProcess:
    """A process around given amplitudes and phase space; hadronic unless `fixed`."""

    amplitudes: Any = field(default_factory=ToyAmplitudes)
    space: PhaseSpace | None = None
    fixed: bool = False
    name: str = "toy"
    resonances: tuple[Resonance, ...] = (Resonance(23, (2, 3)),)
    checkpoints: tuple[CheckPoint, ...] = ()
    defaults: ProcessDefaults = field(default_factory=ProcessDefaults)

    def matrix_element(self) -> Any:
        return self.amplitudes

    def phase_space(self, beams: BeamSetup, cuts: Mapping[str, float]) -> PhaseSpace:
        if self.space is not None:
            return self.space
        if self.fixed:
            maps = (FlatAngle(), ForwardPole())
            return FixedTwoBody(beams.energy, (0.0, 0.0), ("flat", "pole"), maps)
        invariant = PowerLawMap(LOWEST**2, beams.energy**2, 1.5)
        channels = (
            TwoBodyChannel("flat", invariant, FlatAngle()),
            TwoBodyChannel("steep", PowerLawMap(LOWEST**2, beams.energy**2, 2.5), FlatAngle()),
        )
        return HadronicTwoBody(beams.energy, (0.0, 0.0), channels)


@dataclass
class ToyDensity:
    """x f(x) = x (u), x/2 (ū), x (1-x) Q/100 (gluon), x (1-x) (photon), times 1 + member; α_s = 10/Q (1 + member)."""

    name: str = "Toy"
    set_index: int = 900
    n_members: int = 3
    member: int = 0
    flavours: tuple[int, ...] = (-2, 2, 21)
    x_min: float = 1e-9
    q_min: float = 1.0
    q_max: float = 1e5
    error_type: str = "replicas"
    description: str = "numbers for tests"
    ubar: float = 0.5

    def xf(self, x: Tensor, q: Tensor, member: int | None = None) -> Tensor:
        columns = {-2: self.ubar * x, 2: x, 21: x * (1 - x) * q / 100, 22: x * (1 - x)}
        return torch.stack([columns[f] for f in self.flavours], 1) * (1 + (member or 0))

    def alpha_s(self, q: Tensor, member: int | None = None) -> Tensor:
        return 10 / q * (1 + (member or 0))


class Compose(Protocol):
    """A scattering process of the toy parts, any of which can be replaced."""

    def __call__(
        self,
        process: ToyProcess | None = None,
        density: ToyDensity | None = None,
        cuts: Mapping[str, float | str] | None = None,
        beams: tuple[int, int] | None = None,
        scales: tuple[str | float, str | float] = ("m", "m"),
    ) -> ScatteringProcess: ...


def _compose(
    process: ToyProcess | None = None,
    density: ToyDensity | None = None,
    cuts: Mapping[str, float | str] | None = None,
    beams: tuple[int, int] | None = None,
    scales: tuple[str | float, str | float] = ("m", "m"),
) -> ScatteringProcess:
    process = process or ToyProcess()
    hadronic = not process.fixed and process.space is None
    chosen = (density or ToyDensity()) if hadronic else None
    first = process.amplitudes.subprocesses[0].pdg[:2]
    return ScatteringProcess(
        process,
        BeamSetup(ENERGY, beams or ((2212, 2212) if hadronic else first), hadronic),
        chosen,
        {"renormalisation": scales[0], "factorisation": scales[1]},
        cuts or {},
        0.118,
        torch.device("cpu"),
    )


@pytest.fixture
def compose() -> Compose:
    """See `Compose`."""
    return _compose


@dataclass
class ToyParts:
    """The classes above, for tests that build their own."""

    process: type[ToyProcess] = ToyProcess
    amplitudes: type[ToyAmplitudes] = ToyAmplitudes
    density: type[ToyDensity] = ToyDensity
    gluons: Subprocess = GLUONS
    quarks: Subprocess = QUARKS
    point: type[PhaseSpacePoint] = PhaseSpacePoint


@pytest.fixture
def toy() -> ToyParts:
    """See `ToyParts`."""
    return ToyParts()


@pytest.fixture
def cube() -> Any:
    """Points of the unit cube: `cube(n, d, k)` gives u `(n, d)` and channels `(n,)`."""

    def draw(n: int, d: int, k: int) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(2)
        return torch.rand(n, d, generator=generator, dtype=torch.float64), torch.arange(n) % k

    return draw
