"""On-the-fly bias: events are unweighted by |w|·b(x) and keep 1/b(x) in their weight.

b is an expression in the final-state momenta. Where it is large there are more events, of smaller
weight; cross sections and weighted histograms stay the same in expectation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import NumericalError
from crosshook.core.process.expression import Expression

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.process.scattering import ScatteringProcess
    from crosshook.core.sampling.sampler import Sample

WHERE = "generate.bias"


class Bias:
    """The bias of a run: 1 without one."""

    def __init__(self, text: str | None, process: ScatteringProcess) -> None:
        """Parses and checks.

        Args:
            text: the expression, or None for no bias.
            process: whose final state it is about.

        Raises:
            ConfigurationError: if it is no quantity of that final state.
        """
        self.text = text
        self._n_in = process.phase_space.n_incoming
        self._expression = (
            None if text is None else Expression.quantity(text, process.final_pdg, WHERE)
        )

    def of(self, sample: Sample) -> Tensor:
        """b of the points of a block, `(n,)`.

        It is 1 where the weight is 0 or no number: such a point gives no event, and outside phase
        space and cuts an expression need not be positive or defined.

        Raises:
            NumericalError: if b is not positive and finite, or its product with the weight leaves
                the range of float64; the value and the momenta are named.
        """
        bias = torch.ones_like(sample.weight)
        if self._expression is None:
            return bias
        assert sample.evaluated is not None
        rows, momenta = sample.evaluated.rows, sample.evaluated.points.momenta
        weight = sample.weight[rows]
        usable = torch.isfinite(weight) & (weight != 0)
        rows, momenta, weight = rows[usable], momenta[usable], weight[usable]
        value = self._checked(momenta)
        product = value * weight.abs()
        lost = (product == 0) | torch.isinf(product)
        if bool(lost.any()):
            worst = int(torch.nonzero(lost)[0, 0])
            self._refuse(
                float(value[worst]),
                momenta[worst],
                f"too extreme for a point of weight {float(weight[worst])}",
            )
        return bias.index_copy(0, rows, value)

    def of_rows(self, n: int, rows: Tensor, momenta: Tensor) -> Tensor:
        """b of n points whose weights are not known yet, `(n,)`; 1 outside the cuts.

        Args:
            n: number of points.
            rows: those inside the cuts, `(j,)` int64.
            momenta: of these, `(j, m, 4)` in GeV; where they are no numbers b is 1.

        Raises:
            NumericalError: if b is not positive and finite.
        """
        bias = torch.ones(n, dtype=torch.float64, device=rows.device)
        if self._expression is None:
            return bias
        usable = momenta.isfinite().all(2).all(1)
        return bias.index_copy(0, rows[usable], self._checked(momenta[usable]))

    def of_momenta(self, final: Tensor) -> Tensor:
        """b of events that were kept, `(n,)`, for final-state momenta `(n, j, 4)` in GeV."""
        if self._expression is None:
            return torch.ones(final.shape[0], dtype=torch.float64, device=final.device)
        return self._expression(final)

    def _checked(self, momenta: Tensor) -> Tensor:
        value = self.of_momenta(momenta[:, self._n_in :])
        bad = ~(torch.isfinite(value) & (value > 0))
        if bool(bad.any()):
            worst = int(torch.nonzero(bad)[0, 0])
            self._refuse(float(value[worst]), momenta[worst], "a bias must be positive and finite")
        return value

    def _refuse(self, value: float, momenta: Tensor, why: str) -> None:
        message = (
            f"{WHERE}: {self.text!r} is {value}: {why}; "
            f"momenta (E, px, py, pz in GeV) = {momenta.tolist()}"
        )
        raise NumericalError(message)
