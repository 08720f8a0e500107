"""Process: what a process component brings; core composes it into a ScatteringProcess."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from crosshook.core.interfaces.matrix_element import CheckPoint, MatrixElement


@dataclass(frozen=True)
class PhaseSpacePoint:
    """Momenta of n points and the Jacobian that led to them.

    Attributes:
        momenta: `(n, m, 4)` in GeV, lab frame, incoming first.
        x1: momentum fraction taken from beam 1, `(n,)`; 1 for fixed beams.
        x2: likewise from beam 2.
        log_jacobian: log|∂(x1, x2, Φ)/∂u|, with (2π)^(4-3n), `(n,)`; -inf outside phase space.
        log_densities: log of the density of every channel at this point, in the same measure,
            `(n, k)`; the channel's own column is -log_jacobian. -inf where a channel has no such
            point, which outside the cuts it need not.
    """

    momenta: Tensor
    x1: Tensor
    x2: Tensor
    log_jacobian: Tensor
    log_densities: Tensor


class PhaseSpace(Protocol):
    """Maps from the unit cube to momenta, one per channel, all onto all that passes the cuts.

    Attributes:
        n_dim: dimensions d of the cube.
        channels: names of the channels.
        n_incoming: 1 or 2.
    """

    n_dim: int
    channels: tuple[str, ...]
    n_incoming: int

    def forward(self, u: Tensor, channel: Tensor) -> PhaseSpacePoint:
        """Momenta for points u `(n, d)` of channels `(n,)`."""
        ...

    def inverse(self, momenta: Tensor, channel: Tensor) -> Tensor:
        """The points u `(n, d)` of the given channels that lead to lab momenta `(n, m, 4)`."""
        ...


@dataclass(frozen=True)
class BeamSetup:
    """The beams of a run.

    Attributes:
        energy: collision energy √s in GeV; the mass of a particle that decays.
        pdg: PDG ids of the two beam particles; `(id, 0)` for a decay.
        hadronic: True if parton densities apply.
    """

    energy: float
    pdg: tuple[int, int]
    hadronic: bool


@dataclass(frozen=True)
class Resonance:
    """An intermediate particle to write with status 2.

    Of resonances whose products are among another's, the inner one is written as its product. It
    carries the colour lines that do not end among its own products.

    Attributes:
        pdg: PDG id.
        children: final legs it decays to, counted from 0 over all legs.
    """

    pdg: int
    children: tuple[int, ...]


@dataclass(frozen=True)
class ProcessDefaults:
    """What a run file may leave out.

    Attributes:
        beams: PDG ids of the beams; `(id, 0)` for a decay.
        hadronic: True if the legs come out of hadrons.
        energy: collision energy in GeV, or the mass of what decays.
        renormalisation: name of the scale.
        factorisation: name of the scale.
        cuts: named cuts.
    """

    beams: tuple[int, int] = (2212, 2212)
    hadronic: bool = True
    energy: float = 13000.0
    renormalisation: str = "sum_pt"
    factorisation: str = "sum_pt"
    cuts: Mapping[str, float] = field(default_factory=dict)


class Process(Protocol):
    """A process component.

    Attributes:
        name: for people and for the header of event files.
        defaults: what the run file may leave out.
        resonances: intermediate particles to write.
        checkpoints: stored amplitudes, compared at load.
    """

    name: str
    defaults: ProcessDefaults
    resonances: tuple[Resonance, ...]
    checkpoints: tuple[CheckPoint, ...]

    def matrix_element(self) -> MatrixElement:
        """The amplitudes."""
        ...

    def phase_space(self, beams: BeamSetup, cuts: Mapping[str, float]) -> PhaseSpace:
        """Channels suited to the process; cuts may narrow them but are applied by core."""
        ...
