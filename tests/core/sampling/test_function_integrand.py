"""Functions as integrands: how they are called, and what is refused in which words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from crosshook.core.errors import Cancelled, ConfigurationError, IntegrandError
from crosshook.core.interfaces.integrand import Evaluation
from crosshook.core.sampling.function_integrand import FunctionIntegrand

N = 5


def _evaluate(function: Any, n: int = N, **announced: Any) -> Evaluation:
    integrand = FunctionIntegrand(function, **{"dimensions": 3, **announced})
    u = torch.rand(
        (n, integrand.n_dim), dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )
    channel = torch.arange(n) % len(integrand.channels)
    found = integrand.evaluate(u, channel)
    assert integrand.calls == n
    return found


def test_one_channel() -> None:
    found = _evaluate(lambda u: u.sum(1))
    assert found.value.shape == (N,)
    assert found.log_prior.tolist() == [[0.0]] * N


def test_numpy_gives_the_same_as_torch() -> None:
    by_torch = _evaluate(lambda u: torch.exp(-u.sum(1)))
    by_numpy = _evaluate(lambda u: np.exp(-u.sum(axis=1)), backend="numpy")
    torch.testing.assert_close(by_numpy.value, by_torch.value, rtol=1e-15, atol=0)


def test_channels_prior_and_features() -> None:
    def function(u: Any, channel: Any) -> Any:
        prior = torch.stack([u[:, 0], 3 * u[:, 0]], 1)
        return u[:, 0] + channel, prior, u[:, :2]

    found = _evaluate(function, channels=("a", "b"), features=("x", "y"))
    torch.testing.assert_close(found.log_prior.exp(), torch.tensor([[0.25, 0.75]] * N).double())
    assert found.features is not None
    assert found.features.shape == (N, 2)


def test_channels_without_a_prior_share_evenly() -> None:
    for function in (lambda u, c: u[:, 0], lambda u, c: (u[:, 0], None)):
        found = _evaluate(function, channels=("a", "b"))
        torch.testing.assert_close(found.log_prior.exp(), torch.full((N, 2), 0.5).double())


def test_an_evaluation_is_handed_on() -> None:
    log_prior = torch.tensor([[0.0, -math.inf]] * N, dtype=torch.float64)
    found = _evaluate(lambda u, c: Evaluation(u[:, 0], log_prior), channels=("a", "b"))
    assert torch.equal(found.log_prior, log_prior)


def test_discrete_values_are_integers_and_are_summed_over() -> None:
    seen = []

    def function(u: Any, values: Any) -> Any:
        seen.append(values)
        assert u.shape == (N, 3)
        return u[:, 0]

    found = _evaluate(function, discrete=(2, 3))
    assert seen[0].dtype == torch.int64
    assert seen[0].shape == (N, 2)
    plain = _evaluate(lambda u: u[:, 0])
    assert found.value.shape == plain.value.shape
    _evaluate(lambda u, values: u[:, 0] * (values[:, 0] + 1.0), discrete=(4,), backend="numpy")
    constant = _evaluate(lambda u, values: torch.ones(N, dtype=torch.float64), discrete=(2, 3))
    assert constant.value.tolist() == [6.0] * N


def test_float32_is_widened() -> None:
    assert _evaluate(lambda u: u[:, 0].float()).value.dtype == torch.float64
    found = _evaluate(lambda u: u[:, 0].astype(np.float32), backend="numpy")
    assert found.value.dtype == torch.float64


def test_gradients_pass() -> None:
    integrand = FunctionIntegrand(lambda u: (u**2).sum(1), dimensions=2)
    u = torch.full((3, 2), 0.5, dtype=torch.float64, requires_grad=True)
    integrand.evaluate(u, torch.zeros(3, dtype=torch.int64)).value.sum().backward()
    assert u.grad is not None
    assert u.grad.tolist() == [[1.0, 1.0]] * 3


@pytest.mark.parametrize("backend", ["torch", "numpy"])
def test_changing_the_points_does_no_harm(backend: Any) -> None:
    def function(u: Any) -> Any:
        u *= 0
        return u[:, 0]

    integrand = FunctionIntegrand(function, dimensions=2, backend=backend)
    u = torch.full((3, 2), 0.5, dtype=torch.float64)
    integrand.evaluate(u, torch.zeros(3, dtype=torch.int64))
    assert u.tolist() == [[0.5, 0.5]] * 3


def test_no_points_are_no_call() -> None:
    integrand = FunctionIntegrand(lambda u: 1 / 0, dimensions=2, features=("x",))
    found = integrand.evaluate(
        torch.empty((0, 2), dtype=torch.float64), torch.empty(0, dtype=torch.int64)
    )
    assert found.value.shape == (0,)
    assert found.features is not None


BAD: dict[str, tuple[Any, str]] = {
    "integers": (lambda u: (u[:, 0] < 0.5).long(), r"value is of type int64; float64 is needed"),
    "truth values": (lambda u: u[:, 0] < 0.5, r"value is of type bool; .*\.to\(torch\.float64\)"),
    "complex": (lambda u: u[:, 0] + 1j, r"value is of type complex128; .*real part"),
    "half": (lambda u: u[:, 0].half(), r"value is of type float16"),
    "column": (lambda u: u[:, :1], r"value has shape \(5, 1\), not \(5,\) for the 5 points"),
    "first point": (
        lambda u: u[0],
        r"value has shape \(3,\), not \(5,\).* u\[:, 0\] is the first",
    ),
    "sum": (lambda u: u.sum(), r"value has shape \(\), not \(5,\)"),
    "scalar": (lambda u: 1.0, r"value is a single float, not \(5,\) for the 5 points"),
    "none": (lambda u: None, r"value is a NoneType, not a torch tensor"),
    "list": (lambda u: [1.0] * 5, r"value is a list, not a torch tensor"),
    "numpy": (lambda u: u[:, 0].numpy(), r"value is a ndarray, not a torch tensor; say backend="),
    "device": (lambda u: u[:, 0].to("meta"), r"value is on meta, the points are on cpu"),
    "unbatched": (
        lambda u: math.exp(u[0]),
        r"raised \w+Error: .*; it is called with all points at once \(u of shape \(5, 3\), torch\)",
    ),
    "failing": (lambda u: u[:, 0] / {}["a"], r"raised KeyError: 'a'; it is called with all"),
    "tuple": (lambda u: (u[:, 0], u), r"gave a tuple of 2; with one channel and no features"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_functions_are_refused(name: str) -> None:
    function, words = BAD[name]
    with pytest.raises(IntegrandError, match=f"^integrand: {words}") as caught:
        _evaluate(function)
    assert "\n" not in str(caught.value)


def test_the_cause_is_kept() -> None:
    with pytest.raises(IntegrandError) as caught:
        _evaluate(lambda u: 1 / 0)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_cancelling_passes() -> None:
    def function(u: Any) -> Any:
        raise Cancelled

    with pytest.raises(Cancelled):
        _evaluate(function)


BAD_CHANNELS: dict[str, tuple[Any, str]] = {
    "one argument": (lambda u: u[:, 0], r"raised TypeError: .*channel of shape \(5,\)"),
    "prior shape": (lambda u, c: (u[:, 0], u), r"prior has shape \(5, 3\), not \(5, 2\)"),
    "negative": (lambda u, c: (u[:, 0], -u[:, :2]), r"prior \[-.*weights are not negative"),
    "closed": (lambda u, c: (u[:, 0], 0 * u[:, :2]), r"every channel is closed at u = .*value is"),
    "features": (lambda u, c: (u[:, 0], u[:, :2], u), r"gave a tuple of 3, not \(value, prior\)"),
}


@pytest.mark.parametrize("name", BAD_CHANNELS)
def test_bad_channels_are_refused(name: str) -> None:
    function, words = BAD_CHANNELS[name]
    with pytest.raises(IntegrandError, match=f"^integrand: {words}"):
        _evaluate(function, channels=("a", "b"))


def test_a_point_closed_everywhere_is_a_zero() -> None:
    found = _evaluate(lambda u, c: (0 * u[:, 0], 0 * u[:, :2]), channels=("a", "b"))
    torch.testing.assert_close(found.log_prior.exp(), torch.full((N, 2), 0.5).double())


def test_announced_features_must_come() -> None:
    with pytest.raises(IntegrandError, match=r"gave no features, but 1 are announced \(x\)"):
        _evaluate(lambda u: u[:, 0], features=("x",))
    with pytest.raises(IntegrandError, match=r"features has shape \(5, 3\), not \(5, 1\)"):
        _evaluate(lambda u: (u[:, 0], None, u), features=("x",))


@pytest.mark.parametrize(
    ("announced", "words"),
    [
        ({"dimensions": 0}, "dimensions: 0, and 0 discrete; at least 1"),
        ({"discrete": (0,)}, "each dimension has at least 1 value"),
        ({"channels": ()}, "at least one, and no name twice"),
        ({"channels": ("a", "a")}, "at least one, and no name twice"),
        ({"backend": "jax"}, "'jax' is not one of torch, numpy"),
    ],
)
def test_bad_announcements_are_refused(announced: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        FunctionIntegrand(lambda u: u, **{"dimensions": 1, **announced})
    with pytest.raises(ConfigurationError, match="a float is not a function"):
        FunctionIntegrand(1.0, dimensions=1)  # type: ignore[arg-type]
