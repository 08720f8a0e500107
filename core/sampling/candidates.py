"""Points of a block of generation as an unweighter sees them, and what it has cost to look at them.

`SampleCandidates` know every weight; `SurrogateCandidates` have a cheap estimate of each, and
compute the exact weights of the points that are asked for.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from statistics import median
from typing import TYPE_CHECKING, Protocol

import torch

from crosshook.core.interfaces.unweighter import Candidates, Costs
from crosshook.core.process.points import Points, joined_points
from crosshook.core.process.scattering import ScatteringProcess
from crosshook.core.sampling.invalid import first_invalid, point_in_words
from crosshook.core.sampling.numbers import draw_numbers
from crosshook.core.sampling.sums import Sums, block_sums

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.integrand import Evaluation
    from crosshook.core.interfaces.matrix_element import MatrixElement
    from crosshook.core.process.bias import Bias
    from crosshook.core.sampling.sampler import Sample, Sampler


@dataclass(frozen=True)
class Spent:
    """What the points of blocks have cost.

    Attributes:
        points: drawn.
        looked: points whose exact weight was computed.
        point_seconds: for all points, before any weight.
        surrogate_seconds: for cheap estimates.
        exact_seconds: for exact weights.
    """

    points: int
    looked: int
    point_seconds: float
    surrogate_seconds: float
    exact_seconds: float

    def __add__(self, other: Spent) -> Spent:
        return Spent(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


class EventCandidates(Candidates, Protocol):
    """Candidates that can become events."""

    @property
    def bias(self) -> Tensor:
        """b of each point, `(n,)`: the weights to choose by are w·b."""
        ...

    @property
    def extra(self) -> Tensor:
        """Further random numbers of each point, `(n, n_extra)`."""
        ...

    @property
    def spent(self) -> Spent | None:
        """What was spent so far, if it is counted."""
        ...

    def points(self, index: Tensor) -> Points:
        """Momenta and dσ/dx of rows whose exact weight was asked for."""
        ...

    def sums(self, chance: Tensor | None) -> Sums:
        """Sums whose means are the integral.

        Args:
            chance: as `Kept.chance`.
        """
        ...

    def first_invalid(self, where: str) -> str:
        """The first point with NaN or infinite weight in words, or `""`."""
        ...


class SampleCandidates:
    """The points of a block whose weights are all known.

    Attributes:
        bias: see `EventCandidates`.
        extra: likewise.
        spent: None.
    """

    def __init__(self, sample: Sample, bias: Tensor | None = None) -> None:
        """Takes the block; invalid points count as zeros here and as invalid in the sums.

        Args:
            sample: the block.
            bias: b of each point, `(n,)`; 1 if None.
        """
        self._sample = sample
        self.bias = torch.ones_like(sample.weight) if bias is None else bias
        self.extra = sample.extra.to(sample.weight.device)
        self.spent: Spent | None = None
        weight = sample.weight.detach() * self.bias
        self._weight = torch.where(torch.isfinite(weight), weight, torch.zeros_like(weight))

    @property
    def channel(self) -> Tensor:
        """Channel of each point, `(n,)`."""
        return self._sample.channel

    def surrogate(self) -> Tensor:
        """The weights themselves, `(n,)` in pb."""
        return self._weight

    def weight(self, index: Tensor) -> Tensor:
        """Weights of the rows asked for, `(j,)` in pb."""
        return self._weight[index]

    def points(self, index: Tensor) -> Points:
        """Momenta and dσ/dx of rows inside the cuts."""
        assert self._sample.evaluated is not None
        rows = self._sample.evaluated.rows
        position = torch.full_like(self.channel, -1)
        position[rows] = torch.arange(rows.shape[0], device=rows.device)
        return self._sample.evaluated.points.select(position[index])

    def sums(self, chance: Tensor | None) -> Sums:
        """Sums over the sample; see `EventCandidates.sums`."""
        return block_sums(self._sample, self._sample.log_alpha.shape[1])

    def first_invalid(self, where: str) -> str:
        """The first point with NaN or infinite weight in words, or `""`."""
        return first_invalid(self._sample, where)


class SurrogateCandidates:
    """The points of a block, placed in phase space; weights are computed when asked for.

    Attributes:
        channel: of each point, `(n,)`.
        bias: see `EventCandidates`; it is that of all points inside the cuts.
        extra: likewise.
        device: where they live.
    """

    def __init__(
        self,
        sampler: Sampler,
        drawn: tuple[Tensor, Tensor, Tensor],
        element: MatrixElement,
        bias: Bias,
    ) -> None:
        """Places the points.

        Args:
            sampler: the frozen sampler of a scattering process.
            drawn: random numbers, channels and further numbers; see `draw_numbers`.
            element: the surrogate's amplitudes.
            bias: of the run.
        """
        assert isinstance(sampler.integrand, ScatteringProcess)
        self.device = sampler.device
        start = _now(self.device)
        r, channel, extra = (column.to(sampler.device) for column in drawn)
        self._sampler, self._process, self._element = sampler, sampler.integrand, element
        self._u, self._log_det = sampler.locate(r, channel)
        self._placed = self._process.place(self._u, channel)
        self.channel, self.extra = channel, extra
        rows = self._placed.rows
        self.bias = bias.of_rows(len(channel), rows, self._placed.points.momenta)
        # Where a point is among those inside the cuts, and among those whose weight is known.
        self._inside = torch.full_like(channel, -1)
        self._inside[rows] = torch.arange(len(rows), device=rows.device)
        self._known = torch.full_like(channel, -1)
        self._points: list[Points] = []
        self._weight = torch.zeros_like(self._log_det)
        self._parts = self._log_det.new_zeros((len(channel), len(self._process.process_ids)))
        self._guess: tuple[Tensor, Tensor] | None = None
        self._seconds = [_now(self.device) - start, 0.0, 0.0]
        self._looked = 0

    @classmethod
    def draw(
        cls,
        sampler: Sampler,
        seed: int,
        stage: str,
        block: int,
        n: int,
        shares: Tensor,
        n_extra: int,
        element: MatrixElement,
        bias: Bias,
    ) -> SurrogateCandidates:
        """The points `Sampler.draw` gives for the same arguments."""
        d = sampler.integrand.n_dim + sampler.proposal.n_pick
        drawn = draw_numbers(seed, stage, block, n, d, shares, n_extra)
        return cls(sampler, drawn, element, bias)

    @property
    def inside(self) -> int:
        """Points inside the cuts."""
        return len(self._placed.rows)

    @property
    def spent(self) -> Spent:
        """What was spent so far."""
        return Spent(len(self.channel), self._looked, *self._seconds)

    def surrogate(self) -> Tensor:
        """Estimates of all weights, `(n,)` in pb; computed once."""
        return self._guesses()[0] * self.bias

    def _guesses(self) -> tuple[Tensor, Tensor]:
        if self._guess is None:
            start = _now(self.device)
            rows = self._placed.rows
            weight, parts, _ = self._price(torch.arange(len(rows)).to(rows), self._element)
            self._guess = (
                torch.zeros_like(self._weight).index_copy(0, rows, weight),
                torch.zeros_like(self._parts).index_copy(0, rows, parts),
            )
            self._seconds[1] += _now(self.device) - start
        return self._guess

    def weight(self, index: Tensor) -> Tensor:
        """Exact weights of the rows asked for, `(j,)` in pb; 0 where they are no numbers."""
        new = index[(self._known[index] < 0) & (self._inside[index] >= 0)]
        if new.numel():
            start = _now(self.device)
            weight, parts, points = self._price(self._inside[new], None)
            self._weight[new], self._parts[new] = weight, parts
            self._known[new] = self._looked + torch.arange(len(new), device=new.device)
            self._points.append(points)
            self._looked += len(new)
            self._seconds[2] += _now(self.device) - start
        weight = self._weight[index] * self.bias[index]
        return torch.where(torch.isfinite(weight), weight, torch.zeros_like(weight))

    def _price(
        self, inside: Tensor, element: MatrixElement | None
    ) -> tuple[Tensor, Tensor, Points]:
        """Weights, the part of each process id in them, and points, of some inside the cuts."""
        placed = self._placed.select(inside)
        evaluation, points = self._process.price(placed, element)
        rows = placed.rows
        weight = self._sampler.compose_weight(evaluation, self.channel[rows], self._log_det[rows])[
            1
        ]
        return weight, _parts(evaluation, weight), points

    def points(self, index: Tensor) -> Points:
        """Momenta and dσ/dx of rows whose exact weight was asked for."""
        if not self._points:  # no point passed the first stage, and amplitudes need one
            return self._no_points()
        return joined_points(self._points).select(self._known[index])

    def _no_points(self) -> Points:
        bare = self._placed.points.select(self._placed.rows[:0])
        return Points(
            bare.momenta,
            bare.x1,
            bare.x2,
            bare.log_jacobian,
            bare.mu_r,
            bare.mu_f,
            bare.alpha_s,
            bare.flux.new_zeros((0, len(self._process.assignments))),
            helicity=bare.helicity,
        )

    def sums(self, chance: Tensor | None) -> Sums:
        """Sums of `estimates`; see `EventCandidates.sums`."""
        weight, parts = self.estimates(chance)
        return Sums.of(self.channel, weight, self._sampler.n_channels, parts)

    def estimates(self, chance: Tensor | None) -> tuple[Tensor, Tensor]:
        """Numbers whose means are the exact weights, and likewise for each process id.

        They are s + (w - s)/p where the weight is known and s where not. Where p = 1 that is w;
        elsewhere a good surrogate leaves little for w - s to vary.

        Args:
            chance: p of each point, `(n,)`; None if all weights are known.

        Returns:
            `(n,)` and `(n, p)` in pb.
        """
        if chance is None:
            return self._weight, self._parts
        known = self._known >= 0
        guess, guessed = self._guesses()
        sure = (chance >= 1) & known
        weight = _corrected(guess, self._weight, chance, known, sure)
        columns = (chance[:, None], known[:, None], sure[:, None])
        return weight, _corrected(guessed, self._parts, *columns)

    def first_invalid(self, where: str) -> str:
        """The first point with NaN or infinite weight in words, or `""`."""
        bad = torch.nonzero(~torch.isfinite(self._weight))
        if bad.numel() == 0:
            return ""
        row = int(bad[0, 0])
        momenta = self._placed.points.momenta[self._inside[row]]
        return point_in_words(
            where, row, self._weight[row], self.channel[row], self._u[row], momenta
        )


def _now(device: torch.device) -> float:
    """Seconds of the processor, whatever else it does; of the clock where a device computes."""
    if device.type == "cpu":
        return time.process_time()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _parts(evaluation: Evaluation, weight: Tensor) -> Tensor:
    assert evaluation.parts is not None
    value = evaluation.value
    ratio = torch.where(value == 0, torch.zeros_like(value), weight / value)
    return evaluation.parts * ratio[:, None]


def _corrected(
    guess: Tensor, exact: Tensor, chance: Tensor, known: Tensor, sure: Tensor
) -> Tensor:
    """The guess with its deviation where that is known, so that the mean is the exact value."""
    mended = guess + (exact - guess) / chance
    return torch.where(sure, exact, torch.where(known, mended, guess))


def costs_of(blocks: list[Spent]) -> Costs:
    """Seconds by kind: medians over blocks, so that a start or a disturbance does not count."""
    return Costs(
        median(b.point_seconds / b.points for b in blocks),
        median(b.surrogate_seconds / b.points for b in blocks),
        median([b.exact_seconds / b.looked for b in blocks if b.looked] or [0.0]),
    )
