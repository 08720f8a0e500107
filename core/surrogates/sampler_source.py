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
    from torch import Tensor

    from crosshook.core.progress import Progress
    from crosshook.core.sampling.sampler import Sampler

STAGE = "surrogate"
MOST_EMPTY = 100
"""Blocks without a point inside the cuts after which nothing more is expected."""


class SamplerSource:
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
            self._waiting.append(self._block())
        whole = joined(self._waiting)
        self._waiting = [whole.select(slice(n, None))]
        self._progress.update(STAGE, n, n)
        return whole.select(slice(0, n))

    def _block(self) -> AmplitudeTable:
        sampler, process = self._sampler, self._process
        d = process.n_dim + sampler.proposal.n_pick
        drawn = draw_numbers(self._seed, STAGE, self._blocks, self._size, d, self._shares)
        self._blocks += 1
        r, channel = drawn.r.to(sampler.device), drawn.channel.to(sampler.device)
        u, log_det = sampler.locate(r, channel)
        placed = process.place(u, channel)
        rows = torch.nonzero(placed.points.usable)[:, 0]
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
        table = joined(
            [
                self._rows(momenta, subprocess, squared, points, rest)
                for momenta, subprocess, squared in element.calls
            ]
        )
        self._evaluations += len(table)
        return self._valid(table)

    def _rows(
        self,
        momenta: Tensor,
        subprocess: int,
        squared: Tensor,
        points: BarePoints,
        rest: Tensor,
    ) -> AmplitudeTable:
        """The rows of one amplitude, with the densities of all flavours that need it."""
        process, subprocesses = self._process, self._process.matrix_element.subprocesses
        keys = [process.amplitude_key(a) for a in process.assignments]
        key = next(
            k
            for k, a in zip(keys, process.assignments, strict=True)
            if a.subprocess == subprocess and self._ordered(k, points, momenta)
        )
        density = torch.ones_like(rest)
        if points.luminosity is not None:
            columns = [i for i, k in enumerate(keys) if k == key]
            density = points.luminosity[:, columns].sum(dim=1)
        first = distinct_amplitudes(subprocesses)
        number = [subprocesses[i].amplitude for i in first].index(key[0])
        return AmplitudeTable(
            momenta,
            torch.full(rest.shape, number, dtype=torch.int64, device=rest.device),
            points.alpha_s,
            squared,
            rest * density,
            tuple(subprocesses[i].pdg for i in first),
            tuple(subprocesses[i].qcd_order for i in first),
            process.phase_space.n_incoming,
        )
