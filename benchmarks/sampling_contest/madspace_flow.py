"""Contender from madspace (2602.06895): its flow, one a channel, started from VEGAS grids.

madspace trains flows inside its own event generation only; here its torch binding and Adam do, on
batches that are evaluated once and used again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sampling_contest.contender import Drawn, prior_of
from sampling_contest.replay import Points, kullback_leibler, stratified_variance
from sampling_contest.vegas_grid import mapped, weighted

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.integrand import Evaluation
    from sampling_contest.counting import Counted


@dataclass(frozen=True)
class Settings:
    """How the flow is trained.

    Attributes:
        replays: steps on kept points for each new batch.
        rate: Adam's learning rate.
        batch: points of a batch.
        grid_share: share of the budget for the VEGAS grids.
        loss: `kl` or `variance`.
        decay: whether the rate falls to zero as a cosine.
        hidden: width of the networks.
        bins: bins of the splines.
        grid_bins: bins of the grids they start from.
    """

    replays: int = 16
    rate: float = 2e-3
    batch: int = 1024
    grid_share: float = 0.2
    loss: str = "variance"
    decay: bool = False
    hidden: int = 32
    bins: int = 10
    grid_bins: int = 64


class MadspaceFlows:
    """One madspace flow for every channel, on one thread."""

    def __init__(self, grids: list[Any], dimensions: int, settings: Settings, seed: int) -> None:
        """Flows in the shape of trained `vegas.AdaptiveMap`s, with seeded networks."""
        import madspace as ms
        from madspace.torch import FunctionModule

        self._d, self.strata = dimensions, len(grids)
        context = ms.Context(1)
        self._forward: list[Any] = []
        self._inverse: list[Any] = []
        for c, grid in enumerate(grids):
            edges = torch.from_numpy(np.array(grid.extract_grid()))
            mapping = ms.VegasMapping(dimensions, edges.shape[1] - 1, prefix=f"grid{c}")
            mapping.initialize_globals(context)
            context.get_global(mapping.grid_name()).torch().copy_(edges[None])
            flow = ms.Flow(
                dimensions,
                prefix=f"flow{c}",
                subnet_hidden_dim=settings.hidden,
                bin_count=settings.bins,
            )
            flow.initialize_from_vegas(context, mapping.grid_name(), seed=seed * 1000 + c)
            self._forward.append(FunctionModule(flow.forward_function(), context))
            self._inverse.append(FunctionModule(flow.inverse_function(), context))

    def parameters(self) -> list[Tensor]:
        """Everything that trains."""
        return [p for module in self._inverse for p in module.parameters() if p.requires_grad]

    def forward(self, r: Tensor, channel: int) -> tuple[Tensor, Tensor]:
        """Points of a channel and their density."""
        with torch.no_grad():
            u, jacobian = self._forward[channel](r)
        return u, 1 / jacobian

    def density(self, u: Tensor, channel: Tensor) -> Tensor:
        """Densities of points in their channels, `(n,)`, differentiable."""
        if self.strata == 1:
            only: Tensor = self._inverse[0](u)[1]
            return only
        q = torch.zeros_like(u[:, 0])
        for c in range(self.strata):
            rows = torch.nonzero(channel == c)[:, 0]
            if rows.numel():
                found = self._inverse[c](u[rows].contiguous())[1]
                q = q.index_put((rows,), found)
        return q

    def draw(self, n: int, stratum: int, seed: int) -> Drawn:
        """See `Trained.draw`."""
        r = torch.from_numpy(np.random.default_rng(seed).random((n, self._d)))
        u, q = self.forward(r, stratum)
        return Drawn(u, torch.full((n,), stratum), torch.log(q))

    def log_alpha(self, drawn: Drawn, evaluation: Evaluation, stratum: int) -> Tensor:
        """The prior."""
        return prior_of(evaluation, drawn)


def train_with(
    settings: Settings, integrand: Counted, evaluations: int, seed: int
) -> MadspaceFlows:
    """Grids first, then the flows from them."""
    import vegas

    k, d = len(integrand.channels), integrand.n_dim
    random = np.random.default_rng([seed, 1])
    generator = torch.Generator().manual_seed(seed)
    grids = [vegas.AdaptiveMap([[0, 1]] * d, ninc=settings.grid_bins) for _ in range(k)]
    kept: Points | None = None
    each = int(settings.grid_share * evaluations) // (5 * k)
    for c, grid in enumerate(grids):
        for _ in range(5):
            y = random.random((each, d))
            x, jacobian = mapped(grid, y)
            f = weighted(integrand, x, c)
            grid.add_training_data(y, (jacobian * f) ** 2)
            grid.adapt(alpha=0.7)
            new = Points(
                torch.from_numpy(x),
                torch.full((each,), c),
                torch.from_numpy(f),
                1 / torch.from_numpy(jacobian),
            )
            kept = new if kept is None else kept + new
    flows = MadspaceFlows(grids, d, settings, seed)
    adam = torch.optim.Adam(flows.parameters(), settings.rate)
    batches = (evaluations - each * 5 * k) // settings.batch
    total = batches * (1 + settings.replays)
    plan = torch.optim.lr_scheduler.CosineAnnealingLR(adam, total) if settings.decay else None
    loss_of = {"kl": kullback_leibler, "variance": stratified_variance}[settings.loss]

    def step(points: Points) -> None:
        adam.zero_grad()
        loss = loss_of(points, flows.density(points.u, points.channel))
        if bool(torch.isfinite(loss)):
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
        if plan is not None:
            plan.step()

    for _ in range(batches):
        new = _fresh(integrand, flows, settings.batch, random)
        step(new)
        kept = new if kept is None else kept + new
        for _ in range(settings.replays):
            step(kept.choose(settings.batch, generator))
    return flows


def _fresh(
    integrand: Counted, flows: MadspaceFlows, n: int, random: np.random.Generator
) -> Points:
    parts = []
    k = flows.strata
    for c in range(k):
        own = n // k + (c < n % k)
        r = torch.from_numpy(random.random((own, integrand.n_dim)))
        u, q = flows.forward(r, c)
        f = torch.from_numpy(weighted(integrand, u.numpy(), c))
        parts.append(Points(u, torch.full((own,), c), f, q))
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
