"""Iterations of binned unfolding: expectation-maximisation over cells, and its derivative.

Notation: reco cells i, truth cells j, response R_ij = P(i | j) with Σ_i R_ij = ε_j, measured D_i,
background B_i, fakes of fixed shape φ_i and yield y. One step (D'Agostini, NIM A 362 (1995) 487):

    M_i = Σ_j R_ij t_j + φ_i y + B_i
    t_j ← t_j/ε_j Σ_i R_ij D_i/M_i        y ← y Σ_i φ_i D_i/M_i

Background stands beside the expectation instead of being subtracted: no negative contents. Fakes
are one more cause, so that the absolute weight of the simulation does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Response:
    """What the simulation says of the detector, for p populated pairs of cells.

    Attributes:
        reco: reco cell of each pair, `(p,)` int64.
        truth: truth cell of each pair, `(p,)` int64.
        probability: R_ij of each pair, `(p,)`.
        fakes: φ_i, `(I,)`; sums to 1, or is 0 where there are no fakes.
        efficiency: ε_j, `(J,)`.
    """

    reco: Tensor
    truth: Tensor
    probability: Tensor
    fakes: Tensor
    efficiency: Tensor

    def expected(self, content: Tensor) -> Tensor:
        """Σ_j R_ij t_j, `(I,)`."""
        folded = torch.zeros_like(self.fakes)
        return folded.index_add(0, self.reco, self.probability * content[self.truth])

    def returned(self, ratio: Tensor) -> Tensor:
        """Σ_i R_ij ρ_i, `(J,)`."""
        pulled = torch.zeros_like(self.efficiency)
        return pulled.index_add(0, self.truth, self.probability * ratio[self.reco])

    def matrix(self) -> Tensor:
        """R as a dense matrix, `(I, J)`."""
        dense = self.fakes.new_zeros(len(self.fakes), len(self.efficiency))
        return dense.index_put((self.reco, self.truth), self.probability, accumulate=True)


@dataclass(frozen=True)
class Spectra:
    """Contents of cells.

    Attributes:
        measured: D_i, `(I,)`, not negative.
        background: B_i, `(I,)`, not negative.
        prior: t_j before the first step, `(J,)`.
        fakes: y before the first step.
    """

    measured: Tensor
    background: Tensor
    prior: Tensor
    fakes: float


@dataclass(frozen=True)
class Steps:
    """What came of the iterations.

    Attributes:
        contents: t_j after each step, `(steps, J)`.
        fakes: y after the last one.
        derivative: ∂t_j/∂D_i after the last one, `(J, I)`; None if it was not asked for.
    """

    contents: Tensor
    fakes: float
    derivative: Tensor | None


def iterate(response: Response, spectra: Spectra, steps: int, derivative: bool) -> Steps:
    """Takes some steps from the prior.

    Args:
        response: of the detector.
        spectra: measured and expected contents.
        steps: how many.
        derivative: follow ∂t/∂D, which takes dense matrices.
    """
    content, fakes = spectra.prior, response.fakes.new_tensor(spectra.fakes)
    seen = response.efficiency > 0
    safe = torch.where(seen, response.efficiency, 1.0)
    slope = _Slope(response, spectra) if derivative else None
    history = []
    for _ in range(steps):
        expected = response.expected(content) + response.fakes * fakes + spectra.background
        inverse = torch.where(expected > 0, 1 / expected, 0.0)
        ratio = spectra.measured * inverse
        gain = torch.where(seen, response.returned(ratio) / safe, 1.0)
        fake_gain = (response.fakes * ratio).sum() if spectra.fakes > 0 else fakes.new_tensor(1.0)
        if slope is not None:
            factor = torch.where(seen, content / safe, 0.0)
            slope.step(factor, gain, fakes, fake_gain, inverse)
        content, fakes = content * gain, fakes * fake_gain
        history.append(content)
    found = None if slope is None else slope.content
    return Steps(torch.stack(history), float(fakes), found)


class _Slope:
    """∂t_j/∂D_k and ∂y/∂D_k, step by step.

    Attributes:
        content: ∂t_j/∂D_k, `(J, I)`.
        fakes: ∂y/∂D_k, `(I,)`.
    """

    def __init__(self, response: Response, spectra: Spectra) -> None:
        self._response = response
        self._matrix = response.matrix()
        self._measured = spectra.measured
        # The prior is scaled so that the expectation adds up to the data less background.
        expected = (response.efficiency * spectra.prior).sum() + spectra.fakes
        ones = torch.ones_like(spectra.measured)
        self.content = torch.outer(spectra.prior / expected, ones)
        self.fakes = ones * (spectra.fakes / expected)

    def step(
        self, factor: Tensor, gain: Tensor, fakes: Tensor, fake_gain: Tensor, inverse: Tensor
    ) -> None:
        """One step; factor is t_j/ε_j, inverse is 1/M_i, gains are those of the contents."""
        shape = self._response.fakes
        moved = self._matrix @ self.content + torch.outer(shape, self.fakes)
        ratio = torch.diag(inverse) - (self._measured * inverse.square())[:, None] * moved
        self.content = gain[:, None] * self.content + factor[:, None] * (self._matrix.T @ ratio)
        self.fakes = fake_gain * self.fakes + fakes * (shape @ ratio)
