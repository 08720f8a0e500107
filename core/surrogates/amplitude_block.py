"""One block of training points: drawn as for events, with a row for each amplitude they need.

Those inside the cuts give a row for each amplitude that their flavour assignments need.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.process.scattering import ScatteringProcess
from crosshook.core.process.surrogate_amplitudes import distinct_amplitudes
from crosshook.core.sampling.numbers import draw_numbers
from crosshook.core.surrogates.training_set import AmplitudeTable, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.interfaces.matrix_element import MatrixElement, SquaredAmplitude
    from crosshook.core.process.points import BarePoints
    from crosshook.core.sampling.sampler import Sampler

STAGE = "surrogate"


@dataclass(frozen=True)
class BlockFigures:
    """What is to be said of a block besides its rows.

    Attributes:
        usable: points inside the cuts, also those that were one too many.
        evaluations: of |M|².
        invalid: rows left out because they are no numbers.
        worst: momenta of the first of these in words, or `""`.
    """

    usable: int
    evaluations: int
    invalid: int
    worst: str


def amplitudes_of(process: ScatteringProcess) -> list[tuple[int, bool]]:
    """The amplitudes a point is asked for, once each, in the order assignments need them."""
    return list(dict.fromkeys(process.amplitude_key(a) for a in process.assignments))


def points_for(rows: int, amplitudes: int) -> int:
    """Points it takes for so many rows."""
    return -(-rows // amplitudes)


@torch.no_grad()
def amplitude_block(
    sampler: Sampler, seed: int, block: int, size: int, shares: Tensor, most: int | None
) -> tuple[AmplitudeTable, BlockFigures]:
    """The rows of a block that are numbers, and its figures.

    Args:
        sampler: of a scattering process.
        seed: of the random streams.
        block: its number.
        size: its points.
        shares: p_c, `(k,)`.
        most: rows that are wanted: no more of its points are looked at than these take. None for
            all of them.
    """
    process = sampler.integrand
    assert isinstance(process, ScatteringProcess)
    d = process.n_dim + sampler.proposal.n_pick
    drawn = draw_numbers(seed, STAGE, block, size, d, shares)
    r, channel = drawn.r.to(sampler.device), drawn.channel.to(sampler.device)
    u, log_det = sampler.locate(r, channel)
    placed = process.place(u, channel)
    distinct = amplitudes_of(process)
    rows = torch.nonzero(placed.points.usable)[:, 0]
    usable = len(rows)
    placed = placed.select(rows if most is None else rows[: points_for(most, len(distinct))])
    element, points = _Recorder(process.matrix_element), placed.points
    evaluation, _ = process.price(placed, element)
    own = channel[placed.rows]
    _, weight = sampler.compose_weight(evaluation, own, log_det[placed.rows])
    value = evaluation.value
    # What of a point's weight is neither |M|² nor densities.
    rest = torch.where(value == 0, torch.zeros_like(value), weight / value)
    rest = rest * torch.exp(points.log_jacobian) * points.flux / shares.to(rest)[own]
    keys = [process.amplitude_key(assignment) for assignment in process.assignments]
    parts = []
    for key, (momenta, squared) in zip(distinct, element.calls, strict=True):
        columns = [i for i, other in enumerate(keys) if other == key]
        parts.append(_rows(process, key[0], momenta, squared, points, rest, columns))
    table = joined(parts)
    valid = torch.isfinite(table.amplitude) & torch.isfinite(table.weight)
    left = torch.nonzero(~valid)[:, 0]
    worst = str(table.momenta[int(left[0])].tolist()) if len(left) else ""
    figures = BlockFigures(usable, len(table), len(left), worst)
    return table.select(torch.nonzero(valid)[:, 0]), figures


def _rows(
    process: ScatteringProcess,
    amplitude: int,
    momenta: Tensor,
    squared: Tensor,
    points: BarePoints,
    rest: Tensor,
    columns: list[int],
) -> AmplitudeTable:
    """The rows of one amplitude, with the densities of all assignments that need it."""
    subprocesses = process.matrix_element.subprocesses
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
        process.phase_space.n_incoming,
    )


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
