"""A detector for pp → t h j: jets that nobody labels, one more from the initial state, an efficiency.

The Higgs boson is known as such: its transverse momentum and rapidity are smeared, and azimuths are
counted from its own. The top and the light quark are seen as two jets, with no
word on which is which; in two of five events there is a third from initial-state radiation, against
which top and light quark recoil together. All that is known of a jet is its momentum and its mass.
The density of what is seen, summed over assignments, has a closed form.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from crosshook.core.interfaces.features import Features

if TYPE_CHECKING:
    from torch import Tensor

MASS_T = 173.0
NAMES, UNITS = ("pt_h", "y_h"), ("GeV", "")
JET, JET_UNITS = ("pt", "y", "dphi", "m"), ("GeV", "", "rad", "GeV")
HIGGS_PT, HIGGS_Y = 0.1, 0.1
"""Relative resolution of p_T, resolution of the rapidity."""
JET_PT, JET_Y, JET_PHI = 0.2, 0.15, 0.2
TOP_MASS, TOP_SPREAD = 165.0, 0.2
"""Median in GeV and relative spread of the mass of a jet that is a top."""
MASS_SHARE, LEAST_MASS, LIGHT_SPREAD = 0.15, 10.0, 0.4
"""The median of other jets' masses is this share of p_T and so many GeV; relative spread."""
RADIATES, SOFTEST, HARDNESS, RAPIDITY = 0.4, 30.0, 50.0, 2.0
"""Initial-state radiation: probability; smallest p_T and mean above it in GeV; spread in rapidity."""
ORDERS = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
"""Which of three jets are top, light quark and radiation."""
WRAPS = 1
"""Turns of the circle on either side."""


class Detector:
    """The transfer function; `labelled` jets come as top, light quark, radiation."""

    def __init__(self, *, labelled: bool = False) -> None:
        """Says whether the assignment of the jets is known."""
        self._labelled = labelled

    def log_acceptance(self, truth: Features) -> Tensor:
        """log ε(z), `(n,)`: central Higgs bosons and tops, a light jet that is neither soft nor lost."""
        z = _columns(truth)
        margins = (
            (z["pt_j"] - 30.0) / 6.0,
            (4.5 - z["y_j"].abs()) / 0.25,
            (2.8 - z["y_h"].abs()) / 0.2,
            (2.8 - z["y_t"].abs()) / 0.2,
        )
        return torch.nn.functional.logsigmoid(torch.stack(margins)).sum(dim=0)

    def log_prob(self, reco: Features, truth: Features) -> Tensor:
        """log T(x|z), `(n,)`, by all assignments of the jets to top, light quark and radiation.

        A density of sets, each of which counts once: a sum over assignments, not their mean.
        """
        z = _columns(truth)
        pt_h, y_h = reco.dense.T
        higgs = _log_normal(pt_h, z["pt_h"], HIGGS_PT) + _normal(y_h - z["y_h"], HIGGS_Y)
        number = reco.sets["jets"][1].sum(dim=1)
        jets = _there_first(*reco.sets["jets"])
        radiates = number == 3
        two = self._assigned(jets, z, (0, 1, None))
        orders = [(0, 1, 2)] if self._labelled else ORDERS
        if not self._labelled:
            two = torch.logaddexp(two, self._assigned(jets, z, (1, 0, None)))
        found = two + math.log(1 - RADIATES)
        rows = torch.nonzero(radiates)[:, 0]
        if len(rows):
            own = {name: column[rows] for name, column in z.items()}
            logs = torch.stack([self._assigned(jets[rows], own, order) for order in orders])
            three = torch.logsumexp(logs, dim=0) + math.log(RADIATES)
            found = found.index_copy(0, rows, three)
        return higgs + torch.where((number == 2) | radiates, found, -torch.inf)

    @staticmethod
    def _assigned(
        jets: Tensor, z: dict[str, Tensor], order: tuple[int, int, int | None]
    ) -> Tensor:
        """log T of the jets if these are top, light quark and radiation, if any, `(n,)`."""
        top, light, extra = order
        px = py = torch.zeros_like(z["pt_t"])
        total = px
        if extra is not None:
            pt, y, phi, mass = jets[:, extra].unbind(1)
            above = (pt - SOFTEST) / HARDNESS
            total = torch.where(above >= 0, -above, -torch.inf) - math.log(HARDNESS)
            total = total + _normal(y, RAPIDITY) - math.log(2 * math.pi) + _light_mass(mass, pt)
            px, py = pt * torch.cos(phi), pt * torch.sin(phi)
        (pt_t, phi_t), (pt_j, phi_j) = _recoiled(z, px, py)
        pt, y, phi, mass = jets[:, top].unbind(1)
        total = total + _momentum(pt, y, phi, pt_t, z["y_t"], phi_t)
        total = total + _log_normal(mass, torch.full_like(mass, TOP_MASS), TOP_SPREAD)
        pt, y, phi, mass = jets[:, light].unbind(1)
        total = total + _momentum(pt, y, phi, pt_j, z["y_j"], phi_j)
        return total + _light_mass(mass, pt)

    def sample(self, truth: Features, n_draws: int, rng: torch.Generator) -> Features:
        """What is seen of each event, the draws of a truth row together."""
        z = _columns(truth.repeated(n_draws))
        n = len(z["pt_h"])
        normal = torch.randn((n, 12), generator=rng, dtype=torch.float64)
        uniform = torch.rand((n, 3), generator=rng, dtype=torch.float64)
        higgs = [z["pt_h"] * torch.exp(HIGGS_PT * normal[:, 0]), z["y_h"] + HIGGS_Y * normal[:, 1]]
        radiates = uniform[:, 0] < RADIATES
        pt = SOFTEST - HARDNESS * torch.log1p(-uniform[:, 1])
        phi = math.pi * (2 * uniform[:, 2] - 1)
        extra = (
            pt,
            RAPIDITY * normal[:, 2],
            phi,
            _median(pt) * torch.exp(LIGHT_SPREAD * normal[:, 3]),
        )
        px, py = (torch.where(radiates, pt * f(phi), 0.0) for f in (torch.cos, torch.sin))
        jets = []
        for k, (size, angle) in enumerate(_recoiled(z, px, py)):
            kick = normal[:, 4 + 4 * k : 8 + 4 * k]
            pt = size * torch.exp(JET_PT * kick[:, 0])
            y = z["y_t" if k == 0 else "y_j"] + JET_Y * kick[:, 1]
            phi = torch.remainder(angle + JET_PHI * kick[:, 2] + math.pi, 2 * math.pi) - math.pi
            spread = TOP_SPREAD if k == 0 else LIGHT_SPREAD
            middle = torch.full_like(pt, TOP_MASS) if k == 0 else _median(pt)
            jets.append((pt, y, phi, middle * torch.exp(spread * kick[:, 3])))
        values = torch.stack([torch.stack(jet, 1) for jet in (*jets, extra)], dim=1)
        mask = torch.stack([torch.ones_like(radiates), torch.ones_like(radiates), radiates], dim=1)
        values = torch.where(mask[..., None], values, 0.0)
        if not self._labelled:
            order = torch.argsort(values[..., 0], dim=1, descending=True)
            values = torch.gather(values, 1, order[..., None].expand_as(values))
            mask = torch.gather(mask, 1, order)
        return Features(
            torch.stack(higgs, dim=1),
            NAMES,
            UNITS,
            {"jets": (values, mask)},
            {"jets": JET},
            {"jets": JET_UNITS},
        )


def _columns(truth: Features) -> dict[str, Tensor]:
    return dict(zip(truth.names, truth.dense.unbind(1), strict=True))


def _there_first(values: Tensor, mask: Tensor) -> Tensor:
    """Three slots, those with jets before the others; what stands in these is harmless."""
    order = torch.argsort(mask.to(torch.int8), dim=1, descending=True, stable=True)[:, :3]
    jets = torch.gather(values, 1, order[..., None].expand(-1, -1, values.shape[2]))
    there = torch.gather(mask, 1, order)
    short = 3 - there.shape[1]
    jets = torch.nn.functional.pad(jets, (0, 0, 0, short))
    there = torch.nn.functional.pad(there, (0, short))
    return torch.where(there[..., None], jets, 1.0)


def _recoiled(
    z: dict[str, Tensor], px: Tensor, py: Tensor
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """p_T and azimuth of top and light quark, which share the recoil by their transverse masses."""
    transverse = torch.sqrt(z["pt_t"] ** 2 + MASS_T**2)
    share = transverse / (transverse + z["pt_j"])
    found = []
    for name, part in (("t", share), ("j", 1 - share)):
        x = z[f"pt_{name}"] * torch.cos(z[f"dphi_{name}"]) - part * px
        y = z[f"pt_{name}"] * torch.sin(z[f"dphi_{name}"]) - part * py
        found.append((torch.hypot(x, y), torch.atan2(y, x)))
    return found[0], found[1]


def _momentum(
    pt: Tensor, y: Tensor, phi: Tensor, true_pt: Tensor, true_y: Tensor, true_phi: Tensor
) -> Tensor:
    """Log density of the momentum of a jet, `(n,)`."""
    away = torch.remainder(phi - true_phi + math.pi, 2 * math.pi) - math.pi
    turns = [_normal(away + 2 * math.pi * k, JET_PHI) for k in range(-WRAPS, WRAPS + 1)]
    angle = torch.logsumexp(torch.stack(turns), dim=0)
    return _log_normal(pt, true_pt, JET_PT) + _normal(y - true_y, JET_Y) + angle


def _median(pt: Tensor) -> Tensor:
    return LEAST_MASS + MASS_SHARE * pt


def _light_mass(mass: Tensor, pt: Tensor) -> Tensor:
    return _log_normal(mass, _median(pt), LIGHT_SPREAD)


def _normal(away: Tensor, width: float) -> Tensor:
    return -0.5 * (away / width) ** 2 - math.log(width * math.sqrt(2 * math.pi))


def _log_normal(x: Tensor, median: Tensor, width: float) -> Tensor:
    """Density of x whose logarithm is normal; −inf where x is not positive."""
    there = x > 0
    ratio = torch.log(torch.where(there, x, 1.0) / median.clamp(min=1e-12))
    return torch.where(
        there, _normal(ratio, width) - torch.log(torch.where(there, x, 1.0)), -torch.inf
    )
