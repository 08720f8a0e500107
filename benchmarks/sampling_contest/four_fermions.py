"""Case `fourf`: a toy of e+e- → 4 massless fermions at 500 GeV, with madspace's phase-space maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from crosshook.core.interfaces.integrand import Evaluation
from sampling_contest.breit_wigners import breit_wigner

if TYPE_CHECKING:
    from torch import Tensor

ENERGY = 500.0
W = (80.4, 2.09)
Z = (91.19, 2.50)
UNIT = 1e-7
"""The integral is in arbitrary units."""


def _mappings() -> list[Any]:
    """madspace's maps of the three diagrams: WW, ZZ, and a photon off a fermion line."""
    import madspace as ms

    line = ms.LineRef

    def pair(mass: float, width: float, first: tuple[str, str], second: tuple[str, str]) -> Any:
        resonance = ms.Propagator(mass, width)
        vertices = [["i0", "i1", "p0"], ["p0", "p1", "p2"], ["p1", *first], ["p2", *second]]
        return ms.Diagram(
            [0.0, 0.0],
            [0.0] * 4,
            [ms.Propagator(0.0, 0.0), resonance, resonance],
            [[line(leg) for leg in vertex] for vertex in vertices],
        )

    radiated = [["i0", "i1", "p0"], ["p0", "o0", "p1"], ["p1", "o1", "p2"], ["p2", "o2", "o3"]]
    diagrams = (
        pair(*W, ("o0", "o1"), ("o2", "o3")),
        pair(*Z, ("o0", "o3"), ("o1", "o2")),
        ms.Diagram(
            [0.0, 0.0],
            [0.0] * 4,
            [ms.Propagator(0.0, 0.0) for _ in range(3)],
            [[line(leg) for leg in vertex] for vertex in radiated],
        ),
    )
    return [ms.PhaseSpaceMapping(ms.Topology(d), ENERGY, leptonic=True) for d in diagrams]


class FourFermions:
    """|A_WW + A_ZZ + A_γ|² from propagators, with cuts pT > 10, |cos θ| < 0.95, m_ij > 10 (GeV).

    Attributes:
        reference: the integral and its error, from 3·10⁶ points through VEGAS grids of all channels.
    """

    name = "fourf"
    channels: tuple[str, ...] = ("WW", "ZZ", "photon")
    n_dim = 8
    n_features = 18
    reference: tuple[float, float] | None = (6.5416e-8, 2.8e-11)

    def __init__(self) -> None:
        """Builds the maps; needs madspace."""
        self._maps = _mappings()

    def evaluate(self, u: Tensor, channel: Tensor) -> Evaluation:
        """See `Integrand.evaluate`."""
        p, jacobian = u.new_empty((u.shape[0], 6, 4)), u.new_empty(u.shape[0])
        for c, mapping in enumerate(self._maps):
            rows = channel == c
            if bool(rows.any()):
                found = mapping.map_forward([u.detach()[rows].contiguous()])
                p[rows] = torch.from_dlpack(found.momenta)
                jacobian[rows] = torch.from_dlpack(found.det)
        squared, prior = _squared(p[:, 2:])
        pairs = [_invariant(p[:, 2:], i, j).sqrt() / ENERGY for i, j in ((0, 1), (0, 3))]
        features = torch.cat([(p[:, 2:] / ENERGY).flatten(1), torch.stack(pairs, 1)], dim=1)
        return Evaluation(squared * jacobian * UNIT, prior.log(), features)


class OneFourFermionMap(FourFermions):
    """The same integral through the WW map alone, the usual choice of a single channel."""

    name = "fourf1ch"
    channels = ("WW",)
    n_features = 0

    def evaluate(self, u: Tensor, channel: Tensor) -> Evaluation:
        """See `Integrand.evaluate`."""
        value = super().evaluate(u, channel).value
        return Evaluation(value, u.new_zeros((u.shape[0], 1)))


def _invariant(p: Tensor, *legs: int) -> Tensor:
    q = p[:, list(legs)].sum(dim=1)
    return (q[:, 0] ** 2 - (q[:, 1:] ** 2).sum(dim=1)).clamp(min=1e-9)


def _squared(p: Tensor) -> tuple[Tensor, Tensor]:
    """|M|² with cuts, and the squares of the single amplitudes as channel weights."""
    s456 = _invariant(p, 1, 2, 3)
    s56 = _invariant(p, 2, 3)
    kw, kz = W[0] * W[1], Z[0] * Z[1]
    ww = kw**2 * breit_wigner(_invariant(p, 0, 1), *W) * breit_wigner(s56, *W)
    zz = (
        0.6 * kz**2 * breit_wigner(_invariant(p, 0, 3), *Z) * breit_wigner(_invariant(p, 1, 2), *Z)
    )
    scale = ENERGY**2
    photon = 0.5 * 2e5 / scale * (scale / (s456 * s56)).sqrt() * 0.02
    total = ww + zz * complex(0.3, 0.95) + photon
    cosine = p[:, 0, 3] / p[:, 0, 0]
    prior = torch.stack([ww.abs() ** 2, zz.abs() ** 2, photon**2], dim=1)
    passed = ((p[:, :, 1] ** 2 + p[:, :, 2] ** 2).sqrt() > 10).all(dim=1)
    passed &= ((p[:, :, 3] / p[:, :, 0]).abs() < 0.95).all(dim=1)
    for i in range(4):
        for j in range(i):
            passed &= _invariant(p, i, j) > 100
    squared = total.abs() ** 2 * (1 + cosine**2) * passed
    return squared, prior / prior.sum(dim=1, keepdim=True)
