"""An iteration learned by gradient-boosted trees of scikit-learn (extra `trees`)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.errors import ConfigurationError
from crosshook.plugins.unfold.omnifold.steps import Answer, held_out

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.ensemble import HistGradientBoostingRegressor
    from torch import Tensor

    from crosshook.core.progress import Progress
    from crosshook.plugins.unfold.omnifold.inputs import Inputs
    from crosshook.plugins.unfold.omnifold.settings import Settings

RATE = 0.1
"""What a tree adds, of what it found."""
SMALLEST = 1e-12
"""Means are not below this, so that they have a logarithm."""


class TreeSteps:
    """See the module; implements `Steps`. Every iteration grows trees anew."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        """Nothing is kept between iterations.

        Raises:
            ConfigurationError: if scikit-learn is not installed.
        """
        try:
            from sklearn import ensemble
        except ImportError as error:
            message = "omnifold: network trees needs scikit-learn: pip install 'crosshook[trees]'"
            raise ConfigurationError(message) from error
        self._sklearn = ensemble
        self._settings = settings
        self._progress = progress

    def classify(
        self, inputs: Inputs, measured: Tensor, weight: Tensor, rng: torch.Generator
    ) -> Answer:
        """log(data/simulation) at reco; see `Steps.classify`."""
        return self._grown("reco", inputs, measured, weight, rng)

    def regress(
        self, inputs: Inputs, target: Tensor, weight: Tensor, rng: torch.Generator
    ) -> Answer:
        """log E[target | inputs]; see `Steps.regress`."""
        return self._grown("truth", inputs, target, weight, rng)

    def _grown(
        self, level: str, inputs: Inputs, target: Tensor, weight: Tensor, rng: torch.Generator
    ) -> Answer:
        settings = self._settings
        x = inputs.columns[:, : inputs.n_values].cpu().numpy()
        y, w = target.cpu().numpy(), weight.cpu().numpy()
        known = torch.nonzero(weight.cpu() > 0)[:, 0]
        seed = int(torch.randint(2**31, (1,), generator=rng, device="cpu"))
        split = torch.Generator(device="cpu")
        members, losses, unseen = [], [], known[:0]
        for number in range(settings.ensemble):
            split.manual_seed(seed)
            kept, judging = held_out(known, settings.validation, number, split)
            model = self._model(level, stops=bool(len(judging)), seed=(seed + number) % 2**31)
            asked = (
                {"X_val": x[judging], "y_val": y[judging], "sample_weight_val": w[judging]}
                if len(judging)
                else {}
            )
            model.fit(x[kept], y[kept], sample_weight=w[kept], **asked)
            found = (
                model.decision_function(x)
                if level == "reco"
                else np.log(model.predict(x).clip(min=SMALLEST))
            )
            members.append(torch.from_numpy(found).to(torch.float64))
            losses.append(_loss(level, found[judging], y[judging], w[judging]))
            unseen = judging if number == 0 else unseen
            self._progress.update(level, number + 1, settings.ensemble, loss=losses[-1])
        device, mean = inputs.columns.device, sum(losses) / len(losses)
        return Answer(torch.stack(members).to(device), mean, mean, unseen.to(device))

    def _model(self, level: str, stops: bool, seed: int) -> HistGradientBoostingRegressor:
        settings = self._settings
        common = {
            "learning_rate": RATE,
            "max_iter": settings.trees,
            "max_leaf_nodes": settings.leaves,
            "early_stopping": stops,
            "random_state": seed,
        }
        if level == "reco":
            return self._sklearn.HistGradientBoostingClassifier(**common)
        return self._sklearn.HistGradientBoostingRegressor(loss="poisson", **common)

    def state(self) -> dict[str, Tensor]:
        """Nothing: trees of one iteration do not go into the next."""
        return {}

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Nothing to take back."""


def _loss(
    level: str, log_ratio: NDArray[np.float64], y: NDArray[np.float64], w: NDArray[np.float64]
) -> float:
    """Mean loss of events, as the networks have it; NaN of none."""
    if not len(y):
        return math.nan
    first = np.logaddexp(0.0, log_ratio) if level == "reco" else np.exp(log_ratio)
    return float(np.average(first - y * log_ratio, weights=w))
