"""A user's function of the unit cube as an integrand: called with all points at once, and checked.

What the function is called with follows from how it was announced, never from its signature:
`f(u)`, with `channel` behind u if there are several channels, and `values` last if there are
discrete dimensions. It gets arrays of its own, so that changing them does no harm.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import torch

from crosshook.core.errors import ConfigurationError, CrosshookError, IntegrandError, brief
from crosshook.core.interfaces.integrand import Evaluation
from crosshook.core.sampling.discrete import split
from crosshook.core.sampling.returned import real_tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

Backend = Literal["torch", "numpy"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)


class FunctionIntegrand:
    """An `Integrand` made of a batched function.

    The value handed on is that of the function times the number of discrete values, so that the
    integral over the cube, where each value has a bin, is the sum over the values.

    Attributes:
        n_dim: dimensions of the cube, the discrete ones included.
        channels: names of the channels.
        calls: points evaluated so far.
    """

    def __init__(
        self,
        function: Callable[..., object],
        *,
        dimensions: int,
        channels: tuple[str, ...] = ("integrand",),
        discrete: tuple[int, ...] = (),
        features: tuple[str, ...] = (),
        backend: Backend = "torch",
    ) -> None:
        """Announces how the function is to be called.

        Args:
            function: see `crosshook.integrate`.
            dimensions: continuous ones.
            channels: names.
            discrete: number of values of each discrete dimension.
            features: names of the columns of features the function gives.
            backend: what arrays it takes and gives.

        Raises:
            ConfigurationError: if it cannot be called, or there is nothing to integrate over.
        """
        if not callable(function):
            message = f"integrand: a {type(function).__name__} is not a function"
            raise ConfigurationError(message)
        if backend not in BACKENDS:
            message = f"backend: {backend!r} is not one of {', '.join(BACKENDS)}"
            raise ConfigurationError(message)
        if dimensions < 0 or dimensions + len(discrete) < 1:
            message = (
                f"dimensions: {dimensions}, and {len(discrete)} discrete; at least 1 is needed"
            )
            raise ConfigurationError(message)
        if any(count < 1 for count in discrete):
            message = f"discrete: {discrete}: each dimension has at least 1 value"
            raise ConfigurationError(message)
        if not channels or len(set(channels)) < len(channels):
            message = f"channels: {channels}: at least one, and no name twice"
            raise ConfigurationError(message)
        self.n_dim = dimensions + len(discrete)
        self.channels = channels
        self.calls = 0
        self._function = function
        self._dimensions = dimensions
        self._discrete = discrete
        self._features = features
        self._backend = backend

    def evaluate(self, u: Tensor, channel: Tensor) -> Evaluation:
        """Calls the function; see `Integrand.evaluate`.

        Raises:
            IntegrandError: if it fails, or gives what cannot be a value of each point.
        """
        n, k = u.shape[0], len(self.channels)
        if n == 0:
            return Evaluation(u.new_zeros(0), self._even(u), self._no_features(u))
        self.calls += n
        returned = self._call(u, channel)
        if isinstance(returned, Evaluation):
            found = self._checked(returned, u)
        elif isinstance(returned, tuple):
            found = self._of_tuple(returned, u)
        else:
            found = Evaluation(self._tensor(returned, "value", (n,), u), self._even(u))
        if self._features and found.features is None:
            message = (
                f"integrand: gave no features, but {len(self._features)} are announced "
                f"({', '.join(self._features)})"
            )
            raise IntegrandError(message)
        if (closed := torch.isneginf(found.log_prior).all(dim=1)).any():
            self._check_closed(found, closed, u)
        count = math.prod(self._discrete)
        return Evaluation(found.value * count, found.log_prior.reshape(n, k), found.features)

    def _call(self, u: Tensor, channel: Tensor) -> object:
        continuous, values = split(u, self._discrete) if self._discrete else (u, None)
        given = [("u", continuous)]
        if len(self.channels) > 1:
            given.append(("channel", channel))
        if values is not None:
            given.append(("values", values))
        arguments = [a.clone() if self._backend == "torch" else _array(a) for _, a in given]
        try:
            return self._function(*arguments)
        except CrosshookError:
            raise
        except Exception as error:  # whatever a stranger's function raises
            called = ", ".join(f"{name} of shape {tuple(a.shape)}" for name, a in given)
            message = (
                f"integrand: raised {brief(error)}; it is called with all points at once "
                f"({called}, {self._backend}) and gives a value for each"
            )
            raise IntegrandError(message) from error

    def _of_tuple(self, returned: tuple[object, ...], u: Tensor) -> Evaluation:
        n, k = u.shape[0], len(self.channels)
        most = 3 if self._features else 2
        if k == 1 and not self._features:
            message = (
                f"integrand: gave a tuple of {len(returned)}; with one channel and no features "
                "it gives values alone"
            )
            raise IntegrandError(message)
        if not 2 <= len(returned) <= most:
            allowed = "(value, prior, features)" if self._features else "(value, prior)"
            message = f"integrand: gave a tuple of {len(returned)}, not {allowed}"
            raise IntegrandError(message)
        value = self._tensor(returned[0], "value", (n,), u)
        log_prior = self._even(u)
        if returned[1] is not None:
            log_prior = _logarithms(self._tensor(returned[1], "prior", (n, k), u), value)
        features = None
        if len(returned) == 3 and returned[2] is not None:
            features = self._tensor(returned[2], "features", (n, len(self._features)), u)
        return Evaluation(value, log_prior, features)

    def _checked(self, given: Evaluation, u: Tensor) -> Evaluation:
        n, k = u.shape[0], len(self.channels)
        features = given.features
        if features is not None:
            features = real_tensor(features, "features", (n, len(self._features)), u, "torch")
        return Evaluation(
            real_tensor(given.value, "value", (n,), u, "torch"),
            real_tensor(given.log_prior, "log_prior", (n, k), u, "torch"),
            features,
        )

    def _tensor(self, given: object, name: str, shape: tuple[int, ...], u: Tensor) -> Tensor:
        return real_tensor(given, name, shape, u, self._backend)

    def _even(self, u: Tensor) -> Tensor:
        k = len(self.channels)
        return u.new_full((u.shape[0], k), -math.log(k))

    def _no_features(self, u: Tensor) -> Tensor | None:
        return u.new_zeros((u.shape[0], len(self._features))) if self._features else None

    @staticmethod
    def _check_closed(found: Evaluation, closed: Tensor, u: Tensor) -> None:
        lost = torch.nonzero(closed & (found.value != 0))[:, 0]
        if lost.numel():
            row = int(lost[0])
            message = (
                f"integrand: every channel is closed at u = {u[row].tolist()}, "
                f"where the value is {float(found.value[row])}; some prior must be above 0"
            )
            raise IntegrandError(message)


def _array(tensor: Tensor) -> np.ndarray:
    return np.array(tensor.detach().cpu().numpy())


def _logarithms(prior: Tensor, value: Tensor) -> Tensor:
    """Normalised log α from non-negative weights; even where all are 0 and so is the value."""
    if bool((prior < 0).any()):
        row = int(torch.nonzero((prior < 0).any(dim=1))[0, 0])
        message = (
            f"integrand: prior {prior[row].tolist()} of point {row}: weights are not negative"
        )
        raise IntegrandError(message)
    total = prior.sum(dim=1, keepdim=True)
    even = (total == 0) & (value == 0)[:, None]
    weights = torch.where(even, torch.ones_like(prior), prior)
    total = weights.sum(dim=1, keepdim=True)
    # Closed channels stay out of gradients, which would be NaN there.
    closed = weights == 0
    logs = torch.log(torch.where(closed, torch.ones_like(weights), weights))
    logs = torch.where(closed, torch.full_like(logs, -torch.inf), logs)
    return logs - torch.log(torch.where(total == 0, torch.ones_like(total), total))
