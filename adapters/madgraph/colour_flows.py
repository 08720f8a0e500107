"""Leading-colour flows of tree amplitudes, and their shares of |M|² where the code gives none.

Standalone code sums over colours and tells no flow. The share of a flow is taken as the product of
1/(p_i·p_j) over its colour lines: the pattern of soft gluons, which is exact for gg → QQ̄ and for the
amplitudes of Parke and Taylor (Phys. Rev. Lett. 56, 2459), and an approximation elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.amplitudes.colour import colour_ends, possible_flows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.interfaces.matrix_element import ColourFlow

GLUON = 21


def leading_flows(pdg: tuple[int, ...], n_incoming: int) -> tuple[ColourFlow, ...]:
    """The flows of pure QCD that survive many colours; empty where they cannot be told.

    Gluons are strung between quarks, or in one ring if there are none; the ends of a string are
    different quarks. With two pairs of one flavour it depends on the diagrams which they are.

    Args:
        pdg: ids of the legs, incoming first.
        n_incoming: 1 or 2.
    """
    quarks = [abs(p) for p in pdg if p != GLUON and colour_ends(p) != (False, False)]
    flavours = set(quarks)
    if len(quarks) > 2 and len(flavours) < len(quarks) / 2:
        return ()
    found = []
    for flow in possible_flows(pdg, n_incoming):
        strings = _strings(flow, pdg)
        ends = [{abs(pdg[leg]) for leg in string if pdg[leg] != GLUON} for string in strings]
        if not quarks:
            leading = len(strings) <= 1
        elif len(flavours) == 1:
            leading = all(ends)
        else:
            leading = all(len(each) == 2 for each in ends)
        if leading:
            found.append(flow)
    return tuple(found)


def colour_lines(flow: ColourFlow) -> tuple[tuple[int, int], ...]:
    """The legs each colour line joins."""
    legs: dict[int, list[int]] = {}
    for leg, ends in enumerate(flow):
        for end in ends:
            if end:
                legs.setdefault(end, []).append(leg)
    return tuple((pair[0], pair[1]) for pair in legs.values())


def flow_shares(momenta: Tensor, flows: Sequence[ColourFlow]) -> Tensor:
    """The share of each flow, `(n, flows)`, summing to 1.

    Args:
        momenta: `(n, m, 4)` in GeV.
        flows: of the legs.
    """
    metric = momenta.new_tensor([1.0, -1.0, -1.0, -1.0])
    logs = torch.einsum("nia,a,nja->nij", momenta, metric, momenta).abs().log()
    shares = []
    for flow in flows:
        one, other = (list(legs) for legs in zip(*colour_lines(flow), strict=True))
        shares.append(-logs[:, one, other].sum(1))
    return torch.softmax(torch.stack(shares, dim=1), dim=1)


def choose_flow(momenta: Tensor, flows: Sequence[ColourFlow], uniform: Tensor) -> Tensor:
    """The number of a flow for each event, by its share, `(n,)` int64."""
    cumulative = torch.cumsum(flow_shares(momenta, flows), dim=1)
    target = uniform.to(cumulative.device)[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, target, right=True)[:, 0].clamp(max=len(flows) - 1)


def _strings(flow: ColourFlow, pdg: tuple[int, ...]) -> list[set[int]]:
    """Legs joined by colour lines, in groups."""
    groups = [{leg} for leg in range(len(pdg)) if colour_ends(pdg[leg]) != (False, False)]
    for one, other in colour_lines(flow):
        touched = [g for g in groups if one in g or other in g]
        groups = [g for g in groups if g not in touched]
        groups.append(set().union(*touched))
    return groups
