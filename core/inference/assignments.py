"""Which reconstructed object is which true one, as a proposal sees it: a mixture over their orders.

Objects of a set come sorted by their first column, which says little of where they are from. A
mapping that is told them in another order answers for another assignment; the proposal is the mixture
over orders a, q(u|x) = Σ_a s_a(x) q(u|x_a), the shares s_a by a network that sees x_a. Each mapping
then is of one solution, where otherwise it would have to be of all. c orders, n events.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product
from math import factorial
from typing import TYPE_CHECKING

import torch

from crosshook.core.inference.estimators.network import SmallNetwork

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.inference.conditions import Conditions

HIDDEN = (64, 64)
"""Of the network of the shares."""


@dataclass(frozen=True)
class Assignments:
    """Orders of the objects, and their shares.

    Attributes:
        index: columns of a condition vector in each order, `(c, size)`.
        moved: columns that say whether an object is there which an order moves, 1 or 0, `(c, size)`.
        network: of a condition vector, to the logarithm of its share up to a constant.
    """

    index: Tensor
    moved: Tensor
    network: SmallNetwork

    @classmethod
    def of(cls, conditions: Conditions, largest: int, rng: torch.Generator) -> Assignments | None:
        """All orders of the first objects of each set.

        Args:
            conditions: whose objects they are.
            largest: number of orders of a set; of so many first objects as have no more.
            rng: of the network's weights.

        Returns:
            None if there is but one order.
        """
        orders = []
        for objects, there in conditions.blocks():
            first = 1
            while first < len(objects) and factorial(first + 1) <= largest:
                first += 1
            orders.append([(order, objects, there) for order in permutations(range(first))])
        index, moved = [], []
        for chosen in product(*orders):
            columns = list(range(conditions.size))
            needs = [0.0] * conditions.size
            for order, objects, there in chosen:
                for slot, source in enumerate(order):
                    for to, column in zip(objects[slot], objects[source], strict=True):
                        columns[to] = column
                    needs[there[slot]] = float(slot != source)
            index.append(columns)
            moved.append(needs)
        if len(index) < 2:
            return None
        network = SmallNetwork((conditions.size, *HIDDEN, 1), rng)
        return cls(
            torch.tensor(index, device="cpu"),
            torch.tensor(moved, dtype=torch.float64, device="cpu"),
            network,
        )

    def __call__(self, told: Tensor) -> tuple[Tensor, Tensor]:
        """Condition vectors in all orders.

        Args:
            told: condition vectors `(n, size)`.

        Returns:
            The vectors `(n, c, size)`, and the logarithms of their shares `(n, c)`; −inf for orders
            that move an object which is not there.
        """
        index, moved = self.index.to(told.device), self.moved.to(told.device)
        turned = told[:, index]
        possible = (1.0 - told) @ moved.T < 0.5
        score = self.network(turned)[..., 0].to(told.dtype)
        return turned, torch.log_softmax(score.masked_fill(~possible, -torch.inf), dim=1)

    def state(self) -> dict[str, Tensor]:
        """Tensors of the network."""
        return {f"parameter{i}": p.detach() for i, p in enumerate(self.network.parameters())}

    @torch.no_grad()
    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Takes back what `state` gave."""
        for i, parameter in enumerate(self.network.parameters()):
            parameter.copy_(tensors[f"parameter{i}"])
