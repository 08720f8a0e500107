"""Training points of an amplitude surrogate from a sampler: where its events will be.

Blocks of points are drawn as for events, by this process or by an executor's workers, and give the
same rows either way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.errors import NumericalError
from crosshook.core.process.scattering import ScatteringProcess
from crosshook.core.surrogates.amplitude_block import STAGE, amplitude_block, amplitudes_of
from crosshook.core.surrogates.training_set import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from crosshook.core.progress import Progress
    from crosshook.core.sampling.sampler import Sampler
    from crosshook.core.surrogates.amplitude_block import BlockFigures
    from crosshook.core.surrogates.block_tasks import BlockWorkers
    from crosshook.core.surrogates.training_set import AmplitudeTable

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
        workers: BlockWorkers | None = None,
    ) -> None:
        """A source with nothing drawn yet.

        Args:
            sampler: of a scattering process.
            shares: p_c, `(k,)`.
            progress: told after every block.
            seed: of the random streams.
            block_size: points of a block.
            allowed: share of points that may have an |M|² that is no number.
            workers: who computes blocks, if not this process.
        """
        assert isinstance(sampler.integrand, ScatteringProcess)
        self._sampler, self._shares, self._workers = sampler, shares, workers
        self._amplitudes = len(amplitudes_of(sampler.integrand))
        self._progress, self._seed, self._size = progress, seed, block_size
        self._allowed = allowed
        self._waiting: list[AmplitudeTable] = []
        self._blocks = self._invalid = self._evaluations = self._empty = 0

    @property
    def evaluations(self) -> int:
        """Evaluations of |M|² so far."""
        return self._evaluations

    def draw(self, n: int) -> AmplitudeTable:
        """Gives n new rows.

        Raises:
            NumericalError: if no point lies inside the cuts, or too many |M|² are no numbers.
        """

        def missing() -> int:
            return n - sum(len(table) for table in self._waiting)

        if missing() > 0:
            self._progress.update(STAGE, n - missing(), n)
        for table, figures in self._drawn(missing):
            self._take(table, figures)
            self._progress.update(STAGE, min(n - missing(), n), n)
        whole = joined(self._waiting)
        self._waiting = [whole.select(slice(n, None))]
        self._progress.update(STAGE, n, n)
        return whole.select(slice(0, n))

    def _drawn(self, missing: Callable[[], int]) -> Iterator[tuple[AmplitudeTable, BlockFigures]]:
        """The next blocks, until no rows are missing."""
        if self._workers is not None:
            how = (self._seed, self._size, self._shares, self._amplitudes)
            yield from self._workers.blocks(self._blocks, missing, *how)
            return
        while (most := missing()) > 0:
            yield amplitude_block(
                self._sampler, self._seed, self._blocks, self._size, self._shares, most
            )

    def _take(self, table: AmplitudeTable, figures: BlockFigures) -> None:
        self._blocks += 1
        self._waiting.append(table.to(self._sampler.device))
        self._evaluations += figures.evaluations
        self._invalid += figures.invalid
        self._empty = 0 if figures.usable else self._empty + 1
        if self._empty == MOST_EMPTY:
            message = f"training set: no point of {MOST_EMPTY * self._size} lies inside the cuts"
            raise NumericalError(message)
        if figures.invalid and self._invalid > max(1, self._allowed * self._evaluations):
            message = (
                f"training set: {self._invalid} of {self._evaluations} |M|² are NaN or infinite "
                f"(allowed by max_invalid_fraction: {self._allowed:g}); the first of this block: "
                f"momenta (E, px, py, pz in GeV) = {figures.worst}"
            )
            raise NumericalError(message)
