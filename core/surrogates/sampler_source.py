"""Training points of an amplitude surrogate from a sampler: where its events will be.

Blocks of points are drawn as for events; those inside the cuts give a row for each amplitude that
their flavour assignments need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import NumericalError
from crosshook.core.process.scattering import ScatteringProcess
from crosshook.core.process.surrogate_amplitudes import distinct_amplitudes
from crosshook.core.sampling.numbers import draw_numbers
from crosshook.core.surrogates.training_set import AmplitudeTable, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.interfaces.matrix_element import MatrixElement, SquaredAmplitude
    from crosshook.core.process.points import BarePoints
    from crosshook.core.progress import Progress
    from crosshook.core.sampling.sampler import Sampler

STAGE = "surrogate"
MOST_EMPTY = 100
"""Blocks without a point inside the cuts after which nothing more is expected."""


class SampledAmplitudes:
    """Gives points of a sampler with |M|², and counts evaluations of |M|²."""

    def __init__(
        self,
        sampler: Sampler,
        shares: Tensor,
        progress: Progress,
        *,
        seed: int,
        block_size: int,
        allowed: float,
    ) -> None:
        """A source with nothing drawn yet.

        Args:
            sampler: of a scattering process.
            shares: p_c, `(k,)`.
            progress: told after every block.
            seed: of the random streams.
            block_size: points of a block.
            allowed: share of points that may have an |M|² that is no number.
        """
        assert isinstance(sampler.integrand, ScatteringProcess)
        self._sampler, self._process, self._shares = sampler, sampler.integrand, shares
        self._progress, self._seed, self._size = progress, seed, block_size
        self._allowed = allowed
        self._waiting: list[AmplitudeTable] = []
        self._blocks = self._invalid = self._evaluations = self._empty = 0

    @property
    def evaluations(self) -> int:
        """Evaluations of |M|² so far."""
        return self._evaluations

    @torch.no_grad()
    def draw(self, n: int) -> AmplitudeTable:
        """Gives n new rows.

        Raises:
            NumericalError: if no point lies inside the cuts, or too many |M|² are no numbers.
        """
        while (rows := sum(len(table) for table in self._waiting)) < n:
            self._progress.update(STAGE, rows, n)
            self._waiting.append(self._block(n - rows))
        whole = joined(self._waiting)
        self._waiting = [whole.select(slice(n, None))]
        self._progress.update(STAGE, n, n)
        return whole.select(slice(0, n))

    def _block(self, most: int) -> AmplitudeTable:
        """The rows of the next block, of no more points than it takes for so many."""
        sampler, process = self._sampler, self._process
        d = process.n_dim + sampler.proposal.n_pick
        drawn = draw_numbers(self._seed, STAGE, self._blocks, self._size, d, self._shares)
        self._blocks += 1
        r, channel = drawn.r.to(sampler.device), drawn.channel.to(sampler.device)
        u, log_det = sampler.locate(r, channel)
        placed = process.place(u, channel)
        # Amplitudes are asked for once each, in the order assignments need them.
        keys = [process.amplitude_key(assignment) for assignment in process.assignments]
        distinct = list(dict.fromkeys(keys))
        rows = torch.nonzero(placed.points.usable)[: -(-most // len(distinct)), 0]
        placed = placed.select(rows)
        self._empty = 0 if len(rows) else self._empty + 1
        if self._empty == MOST_EMPTY:
            message = f"training set: no point of {MOST_EMPTY * self._size} lies inside the cuts"
            raise NumericalError(message)
        element, points = _Recorder(process.matrix_element), placed.points
        evaluation, _ = process.price(placed, element)
        own = channel[placed.rows]
        _, weight = sampler.compose_weight(evaluation, own, log_det[placed.rows])
        value = evaluation.value
        # What of a point's weight is neither |M|² nor densities.
        rest = torch.where(value == 0, torch.zeros_like(value), weight / value)
        rest = rest * torch.exp(points.log_jacobian) * points.flux / self._shares.to(rest)[own]
        parts = []
        for key, (momenta, squared) in zip(distinct, element.calls, strict=True):
            columns = [i for i, other in enumerate(keys) if other == key]
            parts.append(self._rows(key[0], momenta, squared, points, rest, columns))
        table = joined(parts)
        self._evaluations += len(table)
        return self._valid(table)

    def _rows(
        self,
        amplitude: int,
        momenta: Tensor,
        squared: Tensor,
        points: BarePoints,
        rest: Tensor,
        columns: list[int],
    ) -> AmplitudeTable:
        """The rows of one amplitude, with the densities of all assignments that need it."""
        subprocesses = self._process.matrix_element.subprocesses
        first = distinct_amplitudes(subprocesses)
        number = [subprocesses[i].amplitude for i in first].index(amplitude)
        if points.luminosity is not None:
            rest = rest * points.luminosity[:, columns].sum(dim=1)
        return AmplitudeTable(
            momenta,
            torch.full(rest.shape, number, dtype=torch.int64, device=rest.device),
            points.alpha_s,
            squared,
            rest,
            tuple(subprocesses[i].pdg for i in first),
            tuple(subprocesses[i].qcd_order for i in first),
            self._process.phase_space.n_incoming,
        )

    def _valid(self, table: AmplitudeTable) -> AmplitudeTable:
        """The rows whose |M|² is a number."""
        usable = torch.isfinite(table.amplitude) & torch.isfinite(table.weight)
        self._invalid += int((~usable).sum())
        if self._invalid > max(1, self._allowed * self._evaluations):
            worst = int(torch.nonzero(~usable)[0, 0])
            message = (
                f"training set: {self._invalid} of {self._evaluations} |M|² are NaN or infinite "
                f"(allowed by max_invalid_fraction: {self._allowed:g}); the first of this block: "
                f"momenta (E, px, py, pz in GeV) = {table.momenta[worst].tolist()}"
            )
            raise NumericalError(message)
        return table.select(torch.nonzero(usable)[:, 0])


class _Recorder:
    """A MatrixElement that keeps what it was asked for, helicities summed."""

    def __init__(self, element: MatrixElement) -> None:
        self._element = element
        self.subprocesses = element.subprocesses
        self.masses = element.masses
        self.parameters = element.parameters
        self.alpha_qed = element.alpha_qed
        self.calls: list[tuple[Tensor, Tensor]] = []

    def squared(
        self,
        momenta: Tensor,
        subprocess: int,
        alpha_s: Tensor,
        theta: Tensor | None = None,
        want: Sequence[str] = (),
    ) -> SquaredAmplitude:
        """|M|²; see `MatrixElement.squared`."""
        found = self._element.squared(momenta, subprocess, alpha_s, theta, want)
        self.calls.append((momenta, found.value))
        return found
