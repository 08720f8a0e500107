"""Unfolder `ibu`: iterative Bayesian unfolding in cells of any number of columns.

d'Agostini's method (NIM A 362 (1995) 487), unregularised but for its number of steps. Cells that
no event populates cost nothing. Every simulated event takes the ratio of unfolded to simulated
content of its truth cell as its weight: what comes out is a weighted sample as of other methods.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.interfaces.training import FitReport
from crosshook.core.interfaces.unfolder import Unfolded, WeightFamily
from crosshook.plugins.unfold.cells import Cells, distinct
from crosshook.plugins.unfold.iteration import Response, Spectra, Steps, iterate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.features import Features
    from crosshook.core.interfaces.unfolder import Measured, Simulation

    Bins = int | Sequence[float]

MOST_CELLS = 2000
"""Cells whose covariance is followed: its matrices are dense."""
NEGLIGIBLE = 1e-12
"""Share of the largest eigenvalue that rounding makes."""


@dataclass(frozen=True)
class _Fitted:
    """What `unfold` needs of a fit.

    Attributes:
        truth: rows with truth.
        weight: theirs in the simulation, `(n,)`.
        cell: their truth cell, consecutive, `(n,)`.
        simulated: content of each cell in the simulation, `(J,)`.
        steps: of the iteration.
        variances: of the measured content of each reco cell, `(I,)`.
        notes: for the report.
    """

    truth: Features
    weight: Tensor
    cell: Tensor
    simulated: Tensor
    steps: Steps
    variances: Tensor
    notes: tuple[str, ...]


class IterativeBayesianUnfolder:
    """See the module."""

    def __init__(
        self,
        iterations: int,
        bins: Bins | Mapping[str, Bins] | None,
        reco_bins: Bins | Mapping[str, Bins] | None,
        covariance: bool,
    ) -> None:
        """Takes the options; see schemas/v1/components/ibu.json."""
        self._iterations = iterations
        self._bins = bins
        self._reco_bins = reco_bins
        self._covariance = covariance
        self._fitted: _Fitted | None = None

    def fit(
        self,
        simulation: Simulation,
        measured: Measured,
        background: Measured | None,
        rng: torch.Generator,
    ) -> FitReport:
        """Iterates; nothing is random."""
        for name, level in (("truth", simulation.truth), ("reco", simulation.reco)):
            if level.dense.shape[1] == 0:
                message = f"ibu: {name} has no columns of numbers, which are what is binned"
                raise ConfigurationError(message)
        has_truth, has_reco = simulation.has_truth, simulation.has_reco
        _check_names("bins", self._bins, simulation.truth)
        _check_names("reco_bins", self._reco_bins, simulation.reco)
        truth_cells = Cells.of(simulation.truth, has_truth, self._bins)
        reco_cells = Cells.of(simulation.reco, has_reco, self._reco_bins)

        truth = simulation.truth.select(has_truth)
        weight = simulation.weight[has_truth]
        used, cell = distinct(truth_cells.number(truth.dense))
        simulated = weight.new_zeros(len(used)).index_add(0, cell, weight)
        # Negative generator weights may empty a cell or turn it over.
        turned = int((simulated < 0).sum())
        simulated = simulated.clamp(min=0.0)
        of_row = torch.full_like(has_truth, -1, dtype=torch.int64)
        of_row[has_truth] = cell

        known = [
            reco_cells.number(features.dense)
            for features in (
                replace(simulation.reco, dense=simulation.reco.dense[has_reco], sets={}),
                measured.reco,
                *(() if background is None else (background.reco,)),
            )
        ]
        reco_used, reco_cell = distinct(torch.cat(known))
        seen, data, *other = torch.split(reco_cell, [len(part) for part in known])

        def filled(place: Tensor, weights: Tensor) -> Tensor:
            return weights.new_zeros(len(reco_used)).index_add(0, place, weights)

        content = filled(data, measured.weight)
        variances = filled(data, measured.weight.square())
        taken = torch.zeros_like(content)
        if background is not None:
            taken = filled(other[0], background.weight)
        # What counts below zero on one side stands above zero on the other.
        content, taken = (
            content.clamp(min=0.0) + (-taken).clamp(min=0.0),
            taken.clamp(min=0.0) + (-content).clamp(min=0.0),
        )
        response, fakes = _response(
            of_row[has_reco], seen, simulation.weight[has_reco], simulated, len(reco_used)
        )
        net = float(content.sum() - taken.sum())
        expected = float((response.efficiency * simulated).sum()) + fakes
        if not net > 0 or not expected > 0:
            message = (
                f"ibu: measured less background is {net:.6g} and simulated {expected:.6g} events; "
                "both have to be above 0"
            )
            raise InputError(message)
        scale = net / expected
        if self._covariance and max(len(used), len(reco_used)) > MOST_CELLS:
            message = (
                f"ibu: covariance of {len(used)} truth and {len(reco_used)} reco cells, at most "
                f"{MOST_CELLS} are possible: give fewer bins, or take replicas"
            )
            raise ConfigurationError(message)
        spectra = Spectra(content, taken, scale * simulated, scale * fakes)
        steps = iterate(response, spectra, self._iterations, self._covariance)
        notes = _notes(truth_cells, reco_cells, simulation, response, spectra)
        if turned:
            notes += (
                (
                    f"{turned} of {len(used)} filled truth cells have a negative sum of generator "
                    "weights: their events have weight 0"
                ),
            )
        self._fitted = _Fitted(truth, weight, cell, simulated, steps, variances, notes)
        return FitReport(evaluations=0, notes=notes)

    def unfold(self) -> Unfolded:
        """Weights of the simulated events; see `crosshook.core.interfaces.unfolder`."""
        if self._fitted is None:
            message = "ibu: unfold before fit"
            raise ConfigurationError(message)
        fitted = self._fitted
        filled = fitted.simulated > 0
        ratio = torch.where(filled, fitted.steps.contents / fitted.simulated, 0.0)
        weights = (fitted.weight[:, None] * ratio.T[fitted.cell]).contiguous()
        labels = tuple(str(step + 1) for step in range(weights.shape[1]))
        families = {
            "nominal": WeightFamily("nominal", weights[:, -1:].clone(), ("nominal",)),
            "iteration": WeightFamily("iteration", weights, labels),
        }
        derivative = fitted.steps.derivative
        if derivative is not None:
            vectors = _eigenvectors(derivative, fitted.variances)
            shift = torch.where(filled[:, None], vectors / fitted.simulated[:, None], 0.0)
            varied = weights[:, -1:] + fitted.weight[:, None] * shift[fitted.cell]
            names = tuple(f"eigenvector {i + 1}" for i in range(varied.shape[1]))
            families["covariance_data"] = WeightFamily("systematic", varied, names)
        return Unfolded(fitted.truth, families, fitted.notes)


def _response(
    truth: Tensor, reco: Tensor, weight: Tensor, simulated: Tensor, n_reco: int
) -> tuple[Response, float]:
    """The response, and the sum of weights of fakes, from reconstructed events.

    Args:
        truth: cell of each, -1 for fakes.
        reco: cell of each.
        weight: of each.
        simulated: content of the truth cells, missed events included.
        n_reco: number of reco cells.
    """
    real = truth >= 0
    pairs, place = distinct(truth[real] * n_reco + reco[real])
    content = weight.new_zeros(len(pairs)).index_add(0, place, weight[real]).clamp(min=0.0)
    of_truth, of_reco = pairs // n_reco, pairs % n_reco
    total = simulated[of_truth]
    probability = torch.where(total > 0, content / total, 0.0)
    fakes = weight.new_zeros(n_reco).index_add(0, reco[~real], weight[~real]).clamp(min=0.0)
    total_fakes = float(fakes.sum())
    shape = fakes / total_fakes if total_fakes > 0 else fakes
    efficiency = torch.zeros_like(simulated).index_add(0, of_truth, probability)
    return Response(of_reco, of_truth, probability, shape, efficiency), total_fakes


def _eigenvectors(derivative: Tensor, variances: Tensor) -> Tensor:
    """Columns v with Σ v vᵀ = J diag(variances) Jᵀ, `(J, r)`."""
    left, size, _ = torch.linalg.svd(derivative * variances.sqrt(), full_matrices=False)
    kept = size.square() > NEGLIGIBLE * size[0].square()
    vectors: Tensor = left[:, kept] * size[kept]
    return vectors


def _check_names(option: str, bins: Bins | Mapping[str, Bins] | None, level: Features) -> None:
    if not isinstance(bins, Mapping):
        return
    for name in bins:
        if name not in level.names:
            message = (
                f"ibu: {option}: no column {name!r}; there are {', '.join(level.names) or 'none'}"
            )
            raise ConfigurationError(message)


def _notes(
    truth: Cells, reco: Cells, simulation: Simulation, response: Response, spectra: Spectra
) -> tuple[str, ...]:
    """What a reader must know of the binning."""
    names = ", ".join(
        f"{name} {len(edges) + 1}"
        for name, edges in zip(simulation.truth.names, truth.edges, strict=True)
    )
    binning = f"{truth.count} truth cells ({names} bins) and {reco.count} reco cells"
    found = [f"binned in {binning}; inside a cell the result has the shape of the simulation"]
    reach = response.expected(spectra.prior) + response.fakes + spectra.background
    lost = float(spectra.measured[reach <= 0].sum() / spectra.measured.sum())
    if lost > 0:
        found.append(
            f"{lost:.2%} of the measured weight is in reco cells where nothing is simulated: lost"
        )
    blind = float(spectra.prior[response.efficiency <= 0].sum() / spectra.prior.sum())
    if blind > 0:
        found.append(f"{blind:.2%} of the truth is never reconstructed: it stays as simulated")
    return tuple(found)


def make(
    context: BuildContext,
    *,
    iterations: int,
    bins: Bins | Mapping[str, Bins] | None,
    reco_bins: Bins | Mapping[str, Bins] | None,
    covariance: bool,
) -> IterativeBayesianUnfolder:
    """The component's factory."""
    return IterativeBayesianUnfolder(iterations, bins, reco_bins, covariance)
