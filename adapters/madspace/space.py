"""MadspaceSpace: a `PhaseSpace` of madspace's maps (2602.06895), one for each channel.

madspace's maps run compiled on the CPU. They carry no gradients: through its own torch modules these
are 0 without a word, so here asking for them is an error. Points its maps cannot reach come back as NaN
with a Jacobian of 0; they are closed here, and count as cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.dlpack import from_dlpack

from crosshook.adapters.madspace.topology import topology
from crosshook.core.errors import ConfigurationError, IntegrandError
from crosshook.core.interfaces.process import PhaseSpacePoint
from crosshook.core.phase_space.restrictions import Restrictions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from crosshook.core.interfaces.process import BeamSetup
    from crosshook.core.phase_space.described import DescribedSpace, SpaceMaker

HOW = "pip install 'crosshook[madspace]'"


@dataclass
class MadspaceSpace:
    """Maps from the unit cube to momenta.

    Attributes:
        energy: collision energy in GeV.
        maps: `madspace.PhaseSpaceMapping` of each channel.
        channels: names of the channels.
        n_dim: dimensions of the cube.
    """

    energy: float
    maps: tuple[Any, ...]
    channels: tuple[str, ...]
    n_incoming: int = 2
    n_dim: int = field(init=False)

    def __post_init__(self) -> None:
        self.n_dim = int(self.maps[0].random_dim())

    def forward(self, u: Tensor, channel: Tensor) -> PhaseSpacePoint:
        """Momenta for points u `(n, d)` of channels `(n,)`; see `PhaseSpace.forward`.

        Raises:
            IntegrandError: if gradients are asked for, or points are not on the CPU.
        """
        if torch.is_grad_enabled() and u.requires_grad:
            message = (
                "phase_space: madspace's maps carry no gradients, and this component needs them; "
                "use phase_space: crosshook"
            )
            raise IntegrandError(message)
        if u.device.type != "cpu":
            message = f"phase_space: madspace's maps are on the CPU here, points on {u.device}"
            raise IntegrandError(message)
        n = u.shape[0]
        momenta = u.new_zeros((4, int(self.maps[0].particle_count()), n))
        x1, x2 = torch.ones_like(u[:, 0]), torch.ones_like(u[:, 0])
        own = u.new_full((n,), -torch.inf)
        for number, each in enumerate(self.maps):
            rows = torch.nonzero(channel == number)[:, 0]
            if not len(rows):
                continue
            found = each.map_forward([u[rows].contiguous()])
            jacobian = _tensor(found.det)
            # NaN with a Jacobian that is not 0 stays NaN, and core counts it
            closed = jacobian == 0
            components = _tensor(found.momenta).permute(2, 1, 0).masked_fill(closed, 0.0)
            momenta[:, :, rows] = components
            x1[rows] = _fraction(found.x1, closed)
            x2[rows] = _fraction(found.x2, closed)
            own[rows] = torch.log(jacobian)
        events = momenta.permute(2, 1, 0)
        open_ = own > -torch.inf
        densities = self._densities(events, x1, x2, open_)
        mine = torch.arange(len(self.maps)) == channel[:, None]
        densities = torch.where(mine & open_[:, None], -own[:, None], densities)
        return PhaseSpacePoint(events, x1, x2, own, densities)

    def inverse(self, momenta: Tensor, channel: Tensor) -> Tensor:
        """The points u `(n, d)` of the given channels that lead to lab momenta `(n, m, 4)`."""
        u = momenta.new_zeros((momenta.shape[0], self.n_dim))
        x1, x2 = (2 / self.energy * momenta[:, beam, 0] for beam in (0, 1))
        for number, each in enumerate(self.maps):
            rows = torch.nonzero(channel == number)[:, 0]
            if len(rows):
                found = each.map_inverse([momenta[rows].contiguous(), x1[rows], x2[rows]])
                u[rows] = _tensor(found.random)
        return u

    def _densities(self, momenta: Tensor, x1: Tensor, x2: Tensor, open_: Tensor) -> Tensor:
        """Log of the density of every channel, `(n, k)`; -inf where it has no points."""
        rows = torch.nonzero(open_)[:, 0]
        result = momenta.new_full((momenta.shape[0], len(self.maps)), -torch.inf)
        if not len(rows):
            return result
        given = [momenta[rows].contiguous(), x1[rows], x2[rows]]
        for number, each in enumerate(self.maps):
            density = _tensor(each.map_inverse(given).det)
            # outside its own range a map gives NaN or 0
            fine = torch.isfinite(density) & (density > 0)
            logs = torch.log(torch.where(fine, density, torch.ones_like(density)))
            result[rows, number] = torch.where(fine, logs, torch.full_like(logs, -torch.inf))
        return result


def space_maker(phase_space: str) -> SpaceMaker | None:
    """Whose maps a process takes, by its option `phase_space`; None for crosshook's own.

    Args:
        phase_space: `crosshook` or `madspace`.
    """
    return madspace_space if phase_space == "madspace" else None


def madspace_space(
    described: DescribedSpace, beams: BeamSetup, cuts: Mapping[str, float]
) -> MadspaceSpace:
    """The phase space of a description; a `SpaceMaker`.

    Args:
        described: masses and propagators.
        beams: of the run.
        cuts: named cuts, which madspace's maps begin at where they can.

    Raises:
        ConfigurationError: if madspace is not there, or has no maps of this kind.
    """
    try:
        import madspace
    except ImportError as error:
        message = f"phase_space: madspace is not installed ({error}); {HOW}"
        raise ConfigurationError(message) from error
    if described.n_incoming == 1:
        message = "phase_space: madspace's maps are of collisions here; decays take crosshook"
        raise ConfigurationError(message)
    if described.transverse:
        message = (
            f"phase space: channel {min(described.transverse)}: transverse is of crosshook's own "
            "maps; leave phase_space: madspace out, or the channel"
        )
        raise ConfigurationError(message)
    limits = Restrictions(described.masses, cuts, described.pdg)
    low = described.smallest(limits, beams)
    limited = _cuts(madspace, limits, low)
    leptonic = not beams.hadronic
    mapping = madspace.PhaseSpaceMapping
    if described.diagrams:
        maps = [
            mapping(
                topology(madspace, lines, limits, f"phase space: channel {name}"),
                beams.energy,
                leptonic=leptonic,
                cuts=limited,
            )
            for name, lines in described.diagrams.items()
        ]
    else:
        masses = [0.0, 0.0, *described.masses]
        maps = [mapping(masses, beams.energy, leptonic=leptonic, cuts=limited)]
    return MadspaceSpace(beams.energy, tuple(maps), described.channels)


def _cuts(madspace: Any, limits: Restrictions, low: float) -> Any:
    """Smallest p_T of the legs and smallest √ŝ, as `madspace.Cuts`."""
    kind, each = madspace.Observable, range(len(limits.masses))
    # every leg, the incoming ones first, is a kind of particle of its own
    labels = [len(each) + 1, len(each) + 2, *(leg + 1 for leg in each)]
    found = [madspace.CutItem(kind(labels, kind.obs_sqrt_s, []), min=low)]
    found += [
        madspace.CutItem(kind(labels, kind.obs_pt, [[leg + 1]]), min=limits.pt(leg))
        for leg in each
        if limits.pt(leg)
    ]
    return madspace.Cuts(found)


def _tensor(given: object) -> Tensor:
    return from_dlpack(given)


def _fraction(given: object, closed: Tensor) -> Tensor:
    """x of a beam, `(n,)`; 1 for beams of fixed energy and where there is no point."""
    return _tensor(given).expand(closed.shape).masked_fill(closed, 1.0)
