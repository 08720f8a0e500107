"""Scale and parton-density variations of events, from their scales, momentum fractions, flavours.

    w' / w = [f1 f2](k_F μ_F, member) / [f1 f2](μ_F) · (α_s(k_R μ_R, member) / α_s(μ_R))^n

for the flavours the event has; averaged over the choice of flavours this is the ratio of the
summed cross sections.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.events.run_info import WeightInfo

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.process.points import Points
    from crosshook.core.process.scattering import ScatteringProcess

SEVEN_POINT: Final = (
    (1.0, 1.0),
    (2.0, 1.0),
    (0.5, 1.0),
    (1.0, 2.0),
    (1.0, 0.5),
    (2.0, 2.0),
    (0.5, 0.5),
)
"""(k_R, k_F): factors of 2 on either scale, without the two opposite ones."""

SCALE_GROUP, PDF_GROUP = "scale_variation", "pdf_variation"


@dataclass(frozen=True)
class Variation:
    """One further weight.

    Attributes:
        weight: its id, group and text.
        k_r: factor on μ_R.
        k_f: factor on μ_F.
        member: member of the set, or None for the nominal one.
    """

    weight: WeightInfo
    k_r: float = 1.0
    k_f: float = 1.0
    member: int | None = None


def plan_variations(process: ScatteringProcess, scales: bool, pdf: bool) -> tuple[Variation, ...]:
    """The variations of a run.

    Args:
        process: the process.
        scales: the seven combinations of scale factors.
        pdf: every member of the set.

    Raises:
        ConfigurationError: if members are asked for and there is no set.
    """
    plan = []
    if scales:
        for i, (k_r, k_f) in enumerate(SEVEN_POINT):
            text = f"MUR={k_r} MUF={k_f}"
            weight = WeightInfo(
                str(1001 + i), SCALE_GROUP, text, {"MUR": str(k_r), "MUF": str(k_f)}
            )
            plan.append(Variation(weight, k_r, k_f))
    if pdf:
        density = process.density
        if density is None:
            message = "variations.pdf: all: the process has no parton densities"
            raise ConfigurationError(message)
        for member in range(density.n_members):
            index = density.set_index + member
            text = f"PDF={index} {density.name} member {member}"
            weight = WeightInfo(str(2001 + member), PDF_GROUP, text, {"PDF": str(index)})
            plan.append(Variation(weight, member=member))
    return tuple(plan)


def weight_groups(
    process: ScatteringProcess, plan: tuple[Variation, ...]
) -> dict[str, dict[str, str]]:
    """Attributes of the weight groups of a plan, as `RunInfo.weight_groups` keeps them."""
    used = {v.weight.group for v in plan}
    groups = {}
    if SCALE_GROUP in used:
        groups[SCALE_GROUP] = {"name": SCALE_GROUP, "combine": "envelope"}
    if PDF_GROUP in used and process.density is not None:
        combine = process.density.error_type or "none"
        groups[PDF_GROUP] = {"name": process.density.name, "combine": combine}
    return groups


def variation_factors(
    process: ScatteringProcess, points: Points, chosen: Tensor, plan: tuple[Variation, ...]
) -> Tensor:
    """w'/w of every event and variation, `(n, v)`.

    Args:
        process: the process.
        points: n points.
        chosen: flavour assignment of each, `(n,)` int64.
        plan: v variations.
    """
    n = chosen.shape[0]
    if not plan:
        return points.mu_r.new_zeros((n, 0))
    subprocesses = process.matrix_element.subprocesses
    orders = torch.tensor(
        [subprocesses[a.subprocess].qcd_order for a in process.assignments],
        dtype=points.alpha_s.dtype,
        device=chosen.device,
    )[chosen]
    couplings: dict[tuple[float, int | None], Tensor] = {
        (1.0, None): torch.ones_like(points.alpha_s)
    }
    luminosities: dict[tuple[float, int | None], Tensor] = {}

    def luminosity(k_f: float, member: int | None) -> Tensor:
        key = (k_f, member)
        if key not in luminosities:
            every = process.luminosity(points.x1, points.x2, k_f * points.mu_f, member)
            luminosities[key] = (
                torch.ones_like(points.x1)
                if every is None
                else every.gather(1, chosen[:, None])[:, 0]
            )
        return luminosities[key]

    columns = []
    for variation in plan:
        key = (variation.k_r, variation.member)
        if key not in couplings:
            varied = process.strong_coupling(variation.k_r * points.mu_r, variation.member)
            couplings[key] = (varied / points.alpha_s) ** orders
        ratio = luminosity(variation.k_f, variation.member) / luminosity(1.0, None)
        columns.append(ratio * couplings[key])
    return torch.stack(columns, dim=1)
