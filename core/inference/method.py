"""How a likelihood is had: what every method of `crosshook infer` gives the rest of the pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from crosshook.core.inference.fiducial import fiducial_cross_section
from crosshook.core.inference.likelihood import ProcessShare, combined
from crosshook.core.inference.model import theta_of
from crosshook.core.inference.simulated import joined_features, simulate_events

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from crosshook.core.inference.cache import Cache
    from crosshook.core.inference.grid import ParameterGrid
    from crosshook.core.inference.integral_tasks import Workers
    from crosshook.core.inference.integrals import EventIntegrals, IntegralSettings
    from crosshook.core.inference.likelihood import EventLikelihoods
    from crosshook.core.inference.prepared import PreparedProcess
    from crosshook.core.interfaces.features import Features
    from crosshook.core.progress import Progress


class LikelihoodMethod(Protocol):
    """Gives log p(x|θ), or what differs from it by what does not depend on θ."""

    def likelihoods(self, reco: Features, stage: str, *, keep: bool) -> EventLikelihoods:
        """Likelihoods of events on the grid.

        Args:
            reco: the events.
            stage: names random streams; each set of events has its own.
            keep: also what the error of a sum over events is made of.
        """
        ...


@dataclass(frozen=True)
class MatrixElementMethod:
    """The matrix-element method for a sum of processes.

    Attributes:
        processes: ready.
        grid: of all parameters.
        settings: of the integrals.
        cache: where integrals are kept.
        progress: told how far it is.
        workers: who integrates, if not this process.
    """

    processes: tuple[PreparedProcess, ...]
    grid: ParameterGrid
    settings: IntegralSettings
    cache: Cache
    progress: Progress
    workers: Workers | None = None

    def likelihoods(self, reco: Features, stage: str, *, keep: bool) -> EventLikelihoods:
        """See `LikelihoodMethod.likelihoods`."""
        shares = []
        for process in self.processes:
            found = process.integrals(
                reco,
                self.settings,
                self.cache,
                self.progress,
                keep=keep,
                stage=f"{stage}: {process.settings.name}" if len(self.processes) > 1 else stage,
                workers=self.workers,
            )
            shares.append(self._share(process, found))
        return combined(self.grid, shares)

    def _share(self, process: PreparedProcess, integrals: EventIntegrals) -> ProcessShare:
        rate = process.settings.rate
        if isinstance(rate, str):
            names = [axis.name for axis in self.grid.axes]
            factor = self.grid.points[:, names.index(rate)]
        else:
            factor = torch.full((len(self.grid),), rate, dtype=torch.float64, device="cpu")
        return ProcessShare(
            process.settings.name,
            integrals,
            process.fiducial,
            process.index,
            torch.log(factor),
        )


def simulate_data(
    processes: Sequence[PreparedProcess],
    values: Mapping[str, float],
    fixed: Mapping[str, float],
    n: int,
    rng: torch.Generator,
) -> tuple[Features, float]:
    """Accepted events of all processes together, in random order.

    Args:
        processes: ready.
        values: true values of parameters and rates; others have those of `fixed`, the model, or 1.
        fixed: see the run file.
        n: events.
        rng: of everything.

    Returns:
        The events, and the largest share of a process's that were overweight; see
        `SimulatedEvents`.
    """
    thetas = [_theta(process, {**fixed, **values}) for process in processes]
    rates = torch.tensor(
        [
            _rate(process, values) * _accepted(process, theta, rng)
            for process, theta in zip(processes, thetas, strict=True)
        ],
        dtype=torch.float64,
        device="cpu",
    )
    drawn = torch.multinomial(rates, n, replacement=True, generator=rng)
    parts, overweight = [], 0.0
    for k, (process, theta) in enumerate(zip(processes, thetas, strict=True)):
        count = int((drawn == k).sum())
        if count:
            found = simulate_events(process.model, process.simulator, theta, count, rng)
            parts.append(found.reco)
            overweight = max(overweight, found.overweight)
    order = torch.randperm(n, generator=rng, device="cpu")
    return joined_features(parts).select(order), overweight


def _theta(process: PreparedProcess, values: Mapping[str, float]) -> Tensor:
    names = {parameter.name for parameter in process.model.parameters}
    own = {name: value for name, value in values.items() if name in names}
    return theta_of(process.model, own, "data.simulate.parameters")


def _rate(process: PreparedProcess, values: Mapping[str, float]) -> float:
    rate = process.settings.rate
    return values.get(rate, 1.0) if isinstance(rate, str) else rate


def _accepted(process: PreparedProcess, theta: Tensor, rng: torch.Generator) -> float:
    """σ_fid in pb as the simulator has it."""
    found = fiducial_cross_section(process.model, [process.simulator], theta[None], rng)
    return float(found.value)
