"""The density of one column given everything before it: a mixture, deformed by a spline.

The mixture follows peaks wherever they move; a rational-quadratic spline of its cumulated
distribution (1906.04032, after the mixture layers of 1902.00275) gives what is left of the shape.
On the line the mixture has Gaussians and the column's own distribution, which keeps the density
positive far out; on the circle wrapped Gaussians and a constant, and the spline has the same slope
at both ends (2002.02428).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from crosshook.plugins.flow.layer import from_uniform, to_uniform
from crosshook.plugins.flow.spline import raw_size
from crosshook.plugins.transfer.marginal import TURN

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.plugins.transfer.marginal import Marginal

NARROWEST, WIDEST = 1e-4, 20.0
"""Widths of a Gaussian, in standard deviations of the column."""
WIDEST_ANGLE = 1.5
"""In rad; what is wider is nearly constant. Images of farther turns are below 1e-15."""
IMAGES = (-2, -1, 0, 1, 2)
FLOOR = -2.0
"""Log-odds of the column's own distribution at the start."""
STEPS = 60
"""Of Newton's method at most, each within a bracket that at least halves where it fails."""
CLOSE = 1e-13
"""Of the cumulated distribution, to what is wanted."""
FARTHEST = 40.0
"""Widths beyond the outermost mean in which a draw is looked for."""
ROOT = math.sqrt(2.0)
LOG_NORM = 0.5 * math.log(2.0 * math.pi)


class Mixture(NamedTuple):
    """Log-weights `(n, K + 1)`, the last for the column's own distribution; means and log-widths
    `(n, K)`.
    """

    log_weight: Tensor
    mean: Tensor
    log_width: Tensor


def _phi(t: Tensor) -> Tensor:
    return 0.5 * torch.erfc(-t / ROOT)


@dataclass(frozen=True)
class Conditional:
    """How the numbers of a network become a density.

    Attributes:
        marginal: the column's own distribution.
        components: Gaussians K of the mixture.
        bins: of the spline; 0 for none.
    """

    marginal: Marginal
    components: int
    bins: int

    @property
    def size(self) -> int:
        """Numbers a density is made from."""
        means = 2 * self.components if self.marginal.circle else self.components
        spline = raw_size(self.bins) - (1 if self.marginal.circle else 0)
        return 2 * self.components + 1 + means + spline

    def start(self) -> Tensor:
        """Numbers of a broad mixture and no deformation, `(size,)`."""
        k = self.components
        found = torch.zeros(self.size, dtype=torch.float64, device="cpu")
        found[k] = FLOOR
        place = (torch.arange(k, dtype=torch.float64, device="cpu") + 0.5) / k
        if self.marginal.circle:
            found[2 * k + 1 : 3 * k + 1] = torch.cos(TURN * place)
            found[3 * k + 1 : 4 * k + 1] = torch.sin(TURN * place)
        else:
            found[2 * k + 1 : 3 * k + 1] = 3.0 * place - 1.5
        return found

    def _mixture(self, raw: Tensor) -> Mixture:
        k = self.components
        raw = raw.double()
        log_weight = torch.log_softmax(raw[:, : k + 1], dim=1)
        log_width = raw[:, k + 1 : 2 * k + 1] - math.log(2.0)
        if self.marginal.circle:
            mean = torch.atan2(raw[:, 3 * k + 1 : 4 * k + 1], raw[:, 2 * k + 1 : 3 * k + 1])
            widest = WIDEST_ANGLE
        else:
            mean, widest = raw[:, 2 * k + 1 : 3 * k + 1], WIDEST
        log_width = log_width.clamp(math.log(NARROWEST), math.log(widest))
        return Mixture(log_weight, mean, log_width)

    def _spline(self, raw: Tensor) -> Tensor:
        """The spline's own numbers; on the circle the last slope is the first."""
        if not self.marginal.circle:
            return raw[:, 3 * self.components + 1 :]
        spline = raw[:, 4 * self.components + 1 :]
        return torch.cat([spline, spline[:, 2 * self.bins : 2 * self.bins + 1]], dim=1)

    def log_density(self, x: Tensor, raw: Tensor) -> Tensor:
        """log of the density.

        Args:
            x: values of the column, `(n,)`.
            raw: the network's numbers, `(n, size)`.
        """
        mixture = self._mixture(raw)
        log_mixed, cumulated = (
            self._of_circle(x, mixture) if self.marginal.circle else (self._of_line(x, mixture))
        )
        _, log_slope = to_uniform(cumulated.clamp(0.0, 1.0), self._spline(raw), self.bins)
        return log_mixed + log_slope

    def log_below(self, x: Tensor, raw: Tensor) -> Tensor:
        """log of the share of the density below x `(n,)`; of a column on the line."""
        _, cumulated = self._of_line(x, self._mixture(raw))
        below, _ = to_uniform(cumulated.clamp(0.0, 1.0), self._spline(raw), self.bins)
        return below.clamp(min=torch.finfo(below.dtype).tiny).log()

    def _of_line(self, x: Tensor, m: Mixture) -> tuple[Tensor, Tensor]:
        """log density and cumulated distribution of the mixture."""
        u, log_own = self.marginal.to_unit(x)
        t = (x - self.marginal.centre) / self.marginal.width
        pull = (t[:, None] - m.mean) * torch.exp(-m.log_width)
        logs = -0.5 * pull.square() - m.log_width - LOG_NORM - self.marginal.width.log()
        terms = torch.cat([logs, log_own[:, None]], dim=1)
        parts = torch.cat([_phi(pull), u[:, None]], dim=1)
        return (
            torch.logsumexp(m.log_weight + terms, dim=1),
            (m.log_weight.exp() * parts).sum(dim=1),
        )

    def _of_circle(self, x: Tensor, m: Mixture) -> tuple[Tensor, Tensor]:
        u, log_own = self.marginal.to_unit(x)
        angle = TURN * (u - 0.5)
        inverse = torch.exp(-m.log_width)
        log_terms, parts = [], []
        for image in IMAGES:
            shift = TURN * image - m.mean
            pull = (angle[:, None] + shift) * inverse
            first = (shift - math.pi) * inverse
            log_terms.append(-0.5 * pull.square() - m.log_width - LOG_NORM)
            parts.append(_phi(pull) - _phi(first))
        wrapped = torch.logsumexp(torch.stack(log_terms), dim=0)
        terms = torch.cat([wrapped, log_own[:, None]], dim=1)
        inside = torch.cat([torch.stack(parts).sum(dim=0), u[:, None]], dim=1)
        return (
            torch.logsumexp(m.log_weight + terms, dim=1),
            (m.log_weight.exp() * inside).sum(dim=1),
        )

    def draw(self, uniform: Tensor, raw: Tensor) -> Tensor:
        """The value below which a share `uniform` `(n,)` of the density lies."""
        mixture = self._mixture(raw)
        wanted, _ = from_uniform(uniform, self._spline(raw), self.bins)
        if self.marginal.circle:
            low = torch.full_like(wanted, -math.pi)
            high, of = -low, self._of_circle
        else:
            m, of = self.marginal, self._of_line
            reach = FARTHEST * mixture.log_width.exp()
            ends = m.from_unit(torch.stack([wanted * 0.0, wanted * 0.0 + 1.0]).flatten())
            first, last = ends.view(2, -1)
            low = torch.minimum(first, m.centre + m.width * (mixture.mean - reach).amin(dim=1))
            high = torch.maximum(last, m.centre + m.width * (mixture.mean + reach).amax(dim=1))
        x = 0.5 * (low + high)
        for _ in range(STEPS):
            log_slope, cumulated = of(x, mixture)
            beyond = cumulated - wanted
            if bool((beyond.abs() < CLOSE).all()):
                break
            low, high = torch.where(beyond >= 0, low, x), torch.where(beyond >= 0, x, high)
            guess = x - beyond * torch.exp(-log_slope)
            x = torch.where((guess >= low) & (guess <= high), guess, 0.5 * (low + high))
        return x
