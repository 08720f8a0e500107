"""Other networks in the place of the component's: on the same ratio to the same ansatz, by the same
optimiser, from the same points. What differs is the network, and what it says of its error.

    sectors         a head for each pair of final legs, weighted with FKS-like functions of their
                    invariants: S_ij = s_ij⁻¹ / Σ s_kl⁻¹
    heteroscedastic a second output, log σ; both learned by the likelihood of a Gaussian; to σ² is added
                    the variance of a Bayesian last layer: Laplace's approximation at the end
    equivariant     L-GATr-slim of the package lgatr (2411.00446): momenta as vectors, legs as scalars
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

import torch
from torch.nn import functional

from crosshook.core.interfaces.amplitude_surrogate import Prediction
from crosshook.core.learning.dense import Dense
from crosshook.core.progress import Silent
from crosshook.core.random import torch_generator
from crosshook.core.surrogates.calibration import recalibration
from crosshook.plugins.surrogate.fitting import CORNER, known_points
from crosshook.plugins.surrogate.pair_invariants import pairs
from crosshook.plugins.surrogate.point_form import PointForm
from crosshook.plugins.surrogate.training import in_blocks, train, usual_lesson

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.surrogates.training_set import AmplitudeTable
    from crosshook.plugins.surrogate.ansatz import Name

HIDDEN, DEPTH, BATCH, RATE = 96, 3, 2048, 3e-3
HELD = 0.1
"""Of the points, for the correction of errors."""
TRIAL = 30
"""Steps whose time says how many there will be; as many before them are not counted."""
PRIOR = 1.0
"""Precision of the weights of the last layer before anything is learned."""
CPU = torch.device("cpu")


class Network(Protocol):
    """What is trained: the first output is the wanted one."""

    def __call__(self, x: Tensor) -> Tensor:
        """The outputs, `(n, outputs)`."""
        ...

    def parameters(self) -> list[Tensor]:
        """All tensors."""
        ...


class Sectors:
    """Heads of one network, one a pair of final legs."""

    def __init__(self, legs: int, centre: Tensor, width: Tensor, rng: torch.Generator) -> None:
        """Takes what undoes the scaling of inputs, the first of which are log-invariants."""
        self._columns = [c for c, (i, _) in enumerate(pairs(legs)) if i > 1]
        self._centre, self._width = centre[self._columns], width[self._columns]
        sizes = (len(centre), *[HIDDEN] * DEPTH, len(self._columns))
        self._dense = Dense.random(sizes, rng, torch.float32, CPU)

    def __call__(self, x: Tensor) -> Tensor:
        """The sum over sectors, `(n, 1)`."""
        logs = x[:, self._columns] * self._width + self._centre
        return (torch.softmax(-logs, dim=1) * self._dense(x)).sum(dim=1, keepdim=True)

    def parameters(self) -> list[Tensor]:
        """See `Network`."""
        return self._dense.parameters()


class Heteroscedastic:
    """Outputs and log σ; the loss takes σ from the outputs it is called with just before."""

    def __init__(self, inputs: int, rng: torch.Generator) -> None:
        """A random network."""
        self.dense = Dense.random((inputs, *[HIDDEN] * DEPTH, 2), rng, torch.float32, CPU)
        self._log_std = torch.zeros(())

    def __call__(self, x: Tensor) -> Tensor:
        """Output and log σ - 1, `(n, 2)`."""
        found = self.dense(x)
        self._log_std = found[:, 1].clamp(-12.0, 4.0)
        return found

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """-log likelihood, with gradients of the mean that do not fade where σ is large (2203.09168)."""
        pull = (output - target) * torch.exp(-self._log_std)
        each = 0.5 * pull.square() + self._log_std
        return (each * self._log_std.detach().exp()).mean()

    def parameters(self) -> list[Tensor]:
        """See `Network`."""
        return self.dense.parameters()


class Equivariant:
    """L-GATr-slim: legs are tokens; the output is the mean of a scalar over them."""

    def __init__(self, legs: int, n_types: int, rng: torch.Generator) -> None:
        """A random network; the package draws from torch's own generator, whose state is kept."""
        from lgatr import LGATrSlim

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(1 << 31, (1,), generator=rng)))
            self._net = LGATrSlim(
                num_blocks=2,
                in_v_channels=1,
                out_v_channels=1,
                hidden_v_channels=8,
                in_s_channels=n_types,
                out_s_channels=1,
                hidden_s_channels=16,
                num_heads=2,
            )
        self._legs = legs
        self._types = torch.eye(n_types)
        weights = list(self._net.parameters())
        kinds = torch.zeros((1, legs))
        reached = torch.autograd.grad(
            self(torch.cat([torch.rand((1, 4 * legs), generator=rng), kinds], dim=1)).sum(),
            weights,
            allow_unused=True,
        )
        # The last block's vectors lead nowhere.
        self._used = [w for w, g in zip(weights, reached, strict=True) if g is not None]

    def __call__(self, x: Tensor) -> Tensor:
        """Of rows of momenta and the number of the kind of each leg, `(n, 5m)`, to `(n, 1)`."""
        vectors = x[:, : 4 * self._legs].reshape(-1, self._legs, 1, 4)
        _, scalars = self._net(vectors, self._types[x[:, 4 * self._legs :].long()])
        return scalars.mean(dim=1)

    def parameters(self) -> list[Tensor]:
        """See `Network`."""
        return self._used


class OnRatio:
    """A network of |M|² over the ansatz, trained for so many seconds of the processor."""

    def __init__(
        self, kind: str, table: AmplitudeTable, ansatz: Name, seconds: float, seed: int
    ) -> None:
        """Trains one of the kinds above."""
        rng = torch_generator(seed, f"surrogates benchmark/{kind}")
        table = table.select(torch.randperm(len(table), generator=rng))
        self._kind, self._order, self._legs = kind, table.qcd_order[0], table.momenta.shape[1]
        self._form = PointForm(
            table.pdg, table.qcd_order, table.n_incoming, ansatz, torch.float32, CPU
        )
        kinds = [*table.pdg[0][:2], *(("final", pdg) for pdg in table.pdg[0][2:])]
        known = list(dict.fromkeys(kinds))
        self._types = torch.tensor([float(known.index(k)) for k in kinds])
        at = known_points(self._form, table)
        raw = self._raw(at.inputs, table.momenta)
        held = round(HELD * len(table))
        target = table.log_reduced() - at.log_ansatz
        self._offset, self._spread = target[held:].median(), target[held:].std()
        self._centre, self._width = raw[held:].mean(dim=0), raw[held:].std(dim=0).clamp(min=1e-5)
        if kind == "equivariant":
            self._centre, self._width = torch.zeros(()), torch.ones(())
        x = (raw - self._centre) / self._width
        y = ((target - self._offset) / self._spread).float()
        build: dict[str, Callable[[], Network]] = {
            "sectors": lambda: Sectors(self._legs, self._centre, self._width, rng),
            "heteroscedastic": lambda: Heteroscedastic(x.shape[1], rng),
            "equivariant": lambda: Equivariant(self._legs, len(known), rng),
        }
        self._train(build, x[held:], y[held:], seconds, rng)
        self._variance = torch.zeros(())
        if isinstance(self._network, Heteroscedastic):
            self._laplace(x[held:])
        self._errors(x[:held], y[:held])

    def _raw(self, inputs: Tensor, momenta: Tensor) -> Tensor:
        if self._kind != "equivariant":
            return inputs
        total = momenta[:, :2].sum(dim=1)
        scale = (total[:, 0].square() - total[:, 1:].square().sum(dim=1)).sqrt()
        rows = (momenta / scale[:, None, None]).flatten(1).float()
        return torch.cat([rows, self._types.expand(len(rows), -1)], dim=1)

    def _train(
        self,
        build: dict[str, Callable[[], Network]],
        x: Tensor,
        y: Tensor,
        seconds: float,
        rng: torch.Generator,
    ) -> None:
        batch = BATCH if self._kind != "equivariant" else 512
        lesson = usual_lesson(TRIAL * batch / len(x), batch, RATE, "trial")
        for _ in range(2):
            self._network = build[self._kind]()
            loss: Callable[[Tensor, Tensor], Tensor] = partial(
                functional.huber_loss, delta=float(CORNER / self._spread)
            )
            if isinstance(self._network, Heteroscedastic):
                loss = self._network.loss
            start = time.process_time()
            train(self._network, x, y, loss, lesson, rng, Silent())  # type: ignore[arg-type]
            took = time.process_time() - start
            if lesson.stage == "trial":
                epochs = lesson.epochs * seconds / took
                lesson = replace(lesson, epochs=epochs, stage="learning")
        self.epochs = lesson.epochs

    @torch.no_grad()
    def _laplace(self, x: Tensor) -> None:
        """Covariance of the weights of the last layer, given σ of every point."""
        assert isinstance(self._network, Heteroscedastic)
        dense = self._network.dense
        precision = PRIOR * torch.eye(HIDDEN + 1, dtype=torch.float64)
        for rows in torch.split(x, BATCH):
            features = self._features(dense.hidden(rows))
            weight = torch.exp(-2.0 * dense(rows)[:, 1].double())
            precision += features.T @ (features * weight[:, None])
        self._variance = torch.linalg.inv(precision)

    @staticmethod
    def _features(hidden: Tensor) -> Tensor:
        return torch.cat([hidden.double(), torch.ones((len(hidden), 1))], dim=1)

    @torch.no_grad()
    def _outputs(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """The output and log σ in units of the spread; without one, None."""
        if not isinstance(self._network, Heteroscedastic):
            return in_blocks(lambda rows: self._network(rows)[:, 0], x).double(), None
        hidden = in_blocks(self._network.dense.hidden, x)
        found = in_blocks(self._network.dense.output, hidden).double()
        features = self._features(hidden)
        variance = (features @ self._variance * features).sum(dim=1)
        return found[:, 0], 0.5 * (torch.exp(2.0 * found[:, 1]) + variance).log()

    def _errors(self, x: Tensor, y: Tensor) -> None:
        output, log_std = self._outputs(x)
        self._correction = None
        if log_std is not None:
            self._correction = recalibration(output - y.double(), log_std)

    @torch.no_grad()
    def predict(
        self, momenta: Tensor, process: Tensor, alpha_s: Tensor, condition: Tensor | None = None
    ) -> Prediction:
        """See `AmplitudeSurrogate.predict`."""
        at = self._form(momenta, process)
        x = (self._raw(at.inputs, momenta) - self._centre) / self._width
        output, log_std = self._outputs(x)
        log_abs = at.log_ansatz + self._offset + self._spread * output
        if log_std is not None and self._correction is not None:
            log_std = self._correction(log_std) + math.log(float(self._spread))
        return Prediction(log_abs + self._order * alpha_s.log(), torch.ones_like(output), log_std)
