"""Relabellings that leave |M|² as it is, and the one chosen for each point.

Identical particles may be exchanged, incoming ones too; where all legs are quarks and gluons and
every coupling is strong, particles may also become antiparticles. Of all labellings of a point the
network sees the one with the largest value of a fixed linear form of its invariants, so that its
prediction has the symmetry exactly. |M|² is smooth where the choice changes, as it is elsewhere.
"""

from __future__ import annotations

from itertools import permutations, product
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import ConfigurationError
from crosshook.plugins.surrogate.pair_invariants import pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

Legs = tuple[int, ...]

GLUON, HEAVIEST_QUARK = 21, 6
LARGEST_GROUP = 5040
"""Relabellings beyond which choosing one costs more than the network."""


def relabellings(pdg: Legs, n_incoming: int, qcd_order: int) -> tuple[Legs, ...]:
    """All relabellings of a subprocess.

    Args:
        pdg: of each leg, incoming first.
        n_incoming: 1 or 2.
        qcd_order: power of α_s in |M|².

    Returns:
        Permutations g: |M|² is the same with leg g[i] in the place of leg i. The identity is first.

    Raises:
        ConfigurationError: if there are too many.
    """
    same = _exchanges(pdg, n_incoming)
    if len(same) > LARGEST_GROUP:
        message = f"invariants: {len(same)} exchanges of identical legs in {list(pdg)}, at most "
        raise ConfigurationError(message + str(LARGEST_GROUP))
    conjugation = _conjugation(pdg, n_incoming, qcd_order)
    if conjugation is None:
        return same
    return same + tuple(tuple(conjugation[leg] for leg in g) for g in same)


def _exchanges(pdg: Legs, n_incoming: int) -> tuple[Legs, ...]:
    sides = (range(n_incoming), range(n_incoming, len(pdg)))
    classes = [
        [leg for leg in side if pdg[leg] == kind]
        for side in sides
        for kind in dict.fromkeys(pdg[leg] for leg in side)
    ]
    found = []
    for orders in product(*(permutations(c) for c in classes)):
        g = list(range(len(pdg)))
        for legs, order in zip(classes, orders, strict=True):
            for leg, other in zip(legs, order, strict=True):
                g[leg] = other
        found.append(tuple(g))
    return tuple(found)


def _conjugation(pdg: Legs, n_incoming: int, qcd_order: int) -> Legs | None:
    """Charge conjugation as a permutation that moves legs, if strong couplings are all there is."""
    coloured = all(kind == GLUON or 1 <= abs(kind) <= HEAVIEST_QUARK for kind in pdg)
    if not coloured or qcd_order < len(pdg) - 2 or all(kind == GLUON for kind in pdg):
        return None
    g = [-1] * len(pdg)
    for side in (range(n_incoming), range(n_incoming, len(pdg))):
        free = list(side)
        for leg in side:
            other = pdg[leg] if pdg[leg] == GLUON else -pdg[leg]
            partner = next((i for i in free if pdg[i] == other), None)
            if partner is None:
                return None
            g[leg] = partner
            free.remove(partner)
    return tuple(g)


class Chooser:
    """Chooses the labelling of each point of one subprocess.

    Attributes:
        size: number of labellings to choose from.
        table: columns of the invariants in the order of each labelling, `(g, m(m-1)/2)` int64.
    """

    def __init__(self, group: Sequence[Legs], n_incoming: int, device: torch.device) -> None:
        """Prepares the forms of all labellings.

        Args:
            group: as `relabellings` gives them.
            n_incoming: 1 or 2.
            device: where points live.
        """
        legs = len(group[0])
        columns = {pair: column for column, pair in enumerate(pairs(legs))}
        table = [[columns[min(g[i], g[j]), max(g[i], g[j])] for i, j in columns] for g in group]
        self.size = len(group)
        self.table = torch.tensor(table, device=device)
        form = torch.tensor(linear_form(legs, n_incoming), dtype=torch.float64, device=device)
        forms = torch.zeros((len(columns), len(group)), dtype=torch.float64, device=device)
        self._forms = forms.scatter_(0, self.table.T, form[:, None].expand(-1, len(group)))

    def __call__(self, log_pairs: Tensor) -> Tensor:
        """The invariants of the chosen labellings, `(n, m(m-1)/2)`."""
        if self.size == 1:
            return log_pairs
        chosen = (log_pairs.exp() @ self._forms.to(log_pairs.dtype)).argmax(dim=1)
        return log_pairs.gather(1, self.table[chosen])


def linear_form(legs: int, n_incoming: int) -> list[float]:
    """Coefficients by pair: mostly energies, falling with the leg, and which beam a leg is near.

    The rest is small and different for every pair: two labellings of a point then have the same
    value only where their invariants are the same.
    """
    form = []
    for number, (i, j) in enumerate(pairs(legs)):
        coefficient = 0.02 * ((number + 1) * 0.6180339887498949 % 1.0)
        if i < n_incoming <= j:
            place = j - n_incoming
            coefficient -= place + (0.5 if i else -0.5) / (1 + place)
        form.append(coefficient)
    return form
